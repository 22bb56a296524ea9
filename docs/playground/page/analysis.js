// Asks the worker, one question at a time, and ends it if it takes too long.

/** A check that takes longer is ended, in milliseconds. */
export const LIMIT = 5000;

const BUG = "please report it with the code";

export class Analysis {
  #url;
  #text;
  #worker;
  /** The compiled module, once there is one: another worker need not compile it again. */
  #module;
  #ready;
  /** Why there is no analysis in this browser. */
  #broken;
  /** What is asked: `{question, done}`. */
  #current;
  #next;
  #timer;

  /** `worker` is the code of the worker, `text` the compressed module. */
  constructor(worker, text) {
    this.#url = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
    this.#text = text;
    this.#start();
  }

  /**
   * Resolves to `{answer, took}`, to `{failed}` with the reason in words, or to null if another question was
   * asked in the meantime.
   */
  ask(question) {
    if (this.#broken) return Promise.resolve({ failed: this.#broken });
    this.#next?.done(null);
    return new Promise((done) => {
      this.#next = { question, done };
      this.#send();
    });
  }

  #start() {
    this.#ready = false;
    this.#worker = new Worker(this.#url);
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message ?? "the worker does not start";
      if (this.#ready) this.#restart(`Internal error: ${reason}; ${BUG}.`);
      else this.#giveUp(reason);
    };
    this.#worker.postMessage(this.#module ? { module: this.#module } : { text: this.#text });
  }

  #restart(reason) {
    clearTimeout(this.#timer);
    this.#worker.terminate();
    this.#current?.done({ failed: reason });
    this.#current = undefined;
    this.#start();
  }

  /** Another worker would not start either. */
  #giveUp(reason) {
    this.#worker.terminate();
    this.#broken = `This browser cannot run the analysis: ${reason}`;
    this.#next?.done({ failed: this.#broken });
    this.#next = undefined;
  }

  #receive(data) {
    if (data.ready) {
      this.#module = data.ready;
      this.#ready = true;
    } else if (data.broken) {
      this.#giveUp(data.broken);
      return;
    } else {
      clearTimeout(this.#timer);
      const { done } = this.#current;
      this.#current = undefined;
      done(data.trap ? { failed: inWords(data.trap) } : data);
    }
    this.#send();
  }

  #send() {
    if (!this.#ready || this.#current || !this.#next) return;
    this.#current = this.#next;
    this.#next = undefined;
    this.#timer = setTimeout(() => {
      this.#restart(
        `The check took longer than ${LIMIT / 1000} seconds and was ended. The command line has no such limit.`,
      );
    }, LIMIT);
    this.#worker.postMessage({ question: this.#current.question });
  }
}

function inWords({ message, panic, tooDeep }) {
  if (panic) return `Internal error: ${panic}; ${BUG}.`;
  if (tooDeep) {
    return "The code is nested too deeply for the stack of this browser. The command line has a larger one.";
  }
  return `Internal error: ${message}; ${BUG}.`;
}
