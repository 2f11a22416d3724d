// Runs same_bits.wasm: node run.mjs same_bits.wasm
import { readFileSync, writeSync } from "node:fs";
import { argv, exit } from "node:process";

let memory;
const env = {
  print_text: (text, length) => writeSync(1, new Uint8Array(memory.buffer, text, length)),
  exit_with: (code) => exit(code),
};
const { instance } = await WebAssembly.instantiate(readFileSync(argv[2]), { env });
memory = instance.exports.memory;
// What cargo makes of Rust's `main`: (number of arguments, arguments). It ends by exit_with; a panic ends as an exception.
instance.exports.main(0, 0);
exit(1);
