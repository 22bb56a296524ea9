;; Run by scripts/test_server.sh in Emacs without a window: opens a file with Eglot, waits for its diagnostic, edits it
;; away. Whatever fails ends Emacs with an error.  -*- lexical-binding: t -*-

;; The settings are those of the page about editors.
(with-temp-buffer
  (insert-file-contents (getenv "TALLYLINT_PAGE"))
  (search-forward "```elisp\n")
  (let ((start (point)))
    (search-forward "```")
    (eval-region start (match-beginning 0))))
(require 'flymake)

(defun wait-for (what condition)
  "Wait until CONDITION holds, or fail with WHAT."
  (let ((left 3000))
    (while (and (not (funcall condition)) (> left 0))
      (setq left (1- left))
      (accept-process-output nil 0.02))
    (unless (funcall condition) (error "%s did not happen" what))))

(defun lines ()
  "The lines of the diagnostics."
  (flymake-start)
  (mapcar (lambda (found) (line-number-at-pos (flymake-diagnostic-beg found)))
          (flymake-diagnostics)))

(setq eglot-sync-connect 60 eglot-autoreconnect nil)
(find-file "bad.py")
;; Eglot connects after the command that opens the file, and here are no commands.
(run-hooks 'post-command-hook)
(wait-for "a diagnostic" (lambda () (equal (lines) '(4))))
(let ((text (flymake-diagnostic-text (car (flymake-diagnostics)))))
  (unless (string-match-p "rows_inserted" text) (error "another diagnostic: %s" text)))
(goto-char (point-min))
(forward-line 3)
(delete-region (point) (line-end-position))
(insert "            raise ValueError")
(eglot--signal-textDocument/didChange)
(wait-for "the end of the diagnostic" (lambda () (null (lines))))
(goto-char (point-min))
(forward-line 2)
(insert "        # 😀\n        if self.other:\n            return\n")
(eglot--signal-textDocument/didChange)
(wait-for "the diagnostic again" (lambda () (equal (lines) '(5))))
(eglot-shutdown (eglot-current-server))
(message "emacs: ok")
