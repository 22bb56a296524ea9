-- Run by scripts/test_server.sh in Neovim without a window: opens a file, waits for its diagnostic, edits it away.
-- Whatever fails ends Neovim with an error.

local function wait(what, condition)
  if not vim.wait(60000, condition, 20) then
    io.stderr:write('neovim: ' .. what .. ' did not happen\n')
    vim.cmd('cquit 1')
  end
end

-- The settings are those of the page about editors: for 0.11 and later, for those before, and for saving.
local blocks = {}
local page = assert(io.open(os.getenv('TALLYLINT_PAGE'))):read('*a')
for block in page:gmatch('```lua\n(.-)```') do
  table.insert(blocks, block)
end
assert(#blocks == 3)
assert(loadstring(vim.lsp.config and blocks[1] or blocks[2]))()
assert(loadstring(blocks[3]))()

vim.cmd('filetype on')
vim.cmd('edit bad.py')
wait('a diagnostic', function() return #vim.diagnostic.get(0) == 1 end)
local found = vim.diagnostic.get(0)[1]
assert(found.source == 'tallylint', vim.inspect(found))
assert(found.lnum == 3 and found.col == 12, vim.inspect(found))

-- The lens and the hover of the method.
local document = { textDocument = vim.lsp.util.make_text_document_params() }
local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 60000)
  local _, answer = next(answers or {})
  assert(answer and answer.result, method .. ': ' .. vim.inspect(answers))
  return answer.result
end
assert(ask('textDocument/codeLens', document)[1].command.title == '1 of 2 exits set rows_inserted')
document.position = { line = 1, character = 10 }
assert(ask('textDocument/hover', document).contents.value:find('`save_data` sets', 1, true))

-- An edit that is not saved makes the diagnostic go away, and another one brings it back.
vim.api.nvim_buf_set_lines(0, 3, 4, true, { '            raise ValueError' })
wait('the end of the diagnostic', function() return #vim.diagnostic.get(0) == 0 end)
vim.api.nvim_buf_set_lines(0, 2, 4, true, { '        # 😀', '        if not self.rows:', '            return' })
wait('the diagnostic again', function()
  local again = vim.diagnostic.get(0)
  return #again == 1 and again[1].lnum == 4
end)

-- Saving applies all safe fixes.
vim.api.nvim_buf_set_lines(0, 0, 0, true, { 'x = 1  # tallylint: ignore[untracked-return] no' })
wait('a second diagnostic', function() return #vim.diagnostic.get(0) == 2 end)
vim.cmd('write!')
assert(vim.fn.readfile('bad.py')[1] == 'x = 1')
wait('the end of both diagnostics', function() return #vim.diagnostic.get(0) == 0 end)
io.stdout:write('neovim: ok\n')
vim.cmd('qall!')
