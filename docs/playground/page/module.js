// The WebAssembly module: texts in, texts out. src/abi.rs has the other side.

/** The module trapped or was refused memory; `panic` is what it said before, if it did. */
export class Trap extends Error {
  constructor(cause, panic) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.panic = panic;
    this.tooDeep = cause instanceof RangeError;
  }
}

/** Makes an instance. After a trap it must not be used again. */
export async function instantiate(module) {
  let panic = null;
  const memory = (address, length) => new Uint8Array(instance.exports.memory.buffer, address, length);
  const read = (address, length) => new TextDecoder().decode(memory(address, length));
  const panicked = (address, length) => {
    panic = read(address >>> 0, length >>> 0);
  };
  const instance = await WebAssembly.instantiate(module, { page: { panicked } });
  const { reserve, release, check, catalogue } = instance.exports;

  const answer = (call) => {
    let packed;
    try {
      packed = BigInt.asUintN(64, call());
    } catch (cause) {
      throw new Trap(cause, panic);
    }
    const [address, length] = [Number(packed >> 32n), Number(packed & 0xffffffffn)];
    const text = read(address, length);
    release(address, length);
    return JSON.parse(text);
  };
  return {
    /** Checks `{file, source, configuration}`; see `Answer` in src/check.rs. */
    check: (question) =>
      answer(() => {
        const bytes = new TextEncoder().encode(JSON.stringify(question));
        const address = reserve(bytes.length) >>> 0;
        memory(address, bytes.length).set(bytes);
        return check(address, bytes.length);
      }),
    /** The rules with the examples on their pages; see src/catalogue.rs. */
    catalogue: () => answer(catalogue),
  };
}
