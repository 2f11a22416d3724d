#!/usr/bin/env python3
"""Prices what one of the programs in src/bin executes in cycles of a Cortex-M4:

    cycles.py M4CYCLES.py OBJDUMP IMAGE

Runs the image one instruction at a time, looks at the instructions from each call that is counted to its return, and
prices them by the timing table in M4CYCLES.py, which is not part of this repository. Prints the cycles of the last of
the calls, the program's row. Fails if the program counted another number of instructions than were seen.
"""
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

# As device.sh runs it, with a line in the log for each instruction.
QEMU = ("qemu-system-arm -M netduinoplus2 -nographic -semihosting-config enable=on,target=native "
        "-icount shift=6 -accel tcg,one-insn-per-tb=on -d exec,nochain").split()


def load(path):
    spec = importlib.util.spec_from_file_location("m4cycles", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executed(image):
    """The addresses executed by the image, and after its end what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        os.mkfifo(log)
        process = subprocess.Popen([*QEMU, "-D", log, "-kernel", image], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        address = re.compile(r"\[[0-9a-f]+/([0-9a-f]+)/")
        with open(log) as lines:
            for line in lines:
                if found := address.search(line):
                    yield int(found.group(1), 16)
        printed = process.communicate()[0]
        if process.returncode != 0 or not printed.endswith("end\n"):
            sys.exit(f"cycles.py: {image} failed:\n{printed}")
        yield printed


class Prices:
    """What each instruction of an image costs, and when."""

    def __init__(self, m4cycles, table):
        self.m4cycles, self.table, self.known = m4cycles, table, {}

    def of(self, address, following, kind):
        """Cycles, the kind that it is to its successor, and the registers of the FPU that it reads and that it computes.

        The cycles depend on the kind of the instruction before, and on whether the next one is elsewhere.
        """
        model = self.m4cycles
        mnemonic, operands = self.table[address]
        taken = following != address + (2 if address + 2 in self.table else 4)
        key = address, taken, kind
        if key not in self.known:
            read, computed = set(), set()
            if mnemonic.startswith("v"):
                all_read = mnemonic.startswith(("vstr", "vstm", "vpush", "vcmp", "vmla", "vmls", "vfm", "vfn", "vnml"))
                read = model.fpu_regs(operands if all_read or "," not in operands else operands.split(",", 1)[1])
            if model.base(mnemonic) in model.ARITH:
                computed = model.fpu_regs(operands.split(",")[0])
            self.known[key] = *model.price(mnemonic, operands, taken, kind), read, computed
        return self.known[key]


class Call:
    """Instructions and cycles from a call to its return."""

    def __init__(self, prices):
        self.prices, self.instructions, self.cycles = prices, 0, 0
        self.kind, self.computed = "alu", set()

    def add(self, address, following):
        cycles, self.kind, read, computed = self.prices.of(address, following, self.kind)
        # A result of the FPU used by the very next instruction: one cycle of waiting.
        self.cycles += cycles + (not self.computed.isdisjoint(read))
        self.computed = computed
        self.instructions += 1


def main():
    path, objdump, image = sys.argv[1:]
    m4cycles = load(path)
    table, symbol_of, starts = m4cycles.disassemble(image, objdump)
    labels = {name: address for address, name in starts.items()}
    begin, end = labels["counted_from"], labels["counted_to"]
    prices, calls, call, previous, printed = Prices(m4cycles, table), [], None, None, ""
    for address in executed(image):
        if isinstance(address, str):
            printed = address
            break
        # QEMU logs an instruction that it is about to execute, and once more if it had to do something else first: call
        # the handler that counts SysTick's rounds, which is not part of the call, or look at its clock.
        if address == previous or symbol_of.get(address) == "SysTick":
            continue
        if call:
            call.add(previous, address)
        if address == begin:
            call = Call(prices)
        elif address == end:
            calls.append(call)
            call = None
        previous = address
    counted = [int(line.split("|")[2]) for line in printed.splitlines() if line.startswith("count|")]
    seen = [one.instructions - calls[0].instructions for one in calls]
    if counted != seen:
        sys.exit(f"cycles.py: {image} counted {counted} instructions, executed were {seen}")
    print(calls[-1].cycles - calls[0].cycles)


if __name__ == "__main__":
    main()
