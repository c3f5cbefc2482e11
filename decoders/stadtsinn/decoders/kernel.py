"""One numba kernel for batches: runs the interpreter's op tables, row by row.

`machine` is compiled once for all device types and cached (compiled_kernel.py); new device files
are only new rows in the tables. It must agree with interpreter.py on every byte string, which the
tests compare.
"""

from __future__ import annotations

import math
import zlib
from importlib import resources

import numba
import numpy as np

from stadtsinn.decoders import program as p
from stadtsinn.decoders.kernel_flat import flat
from stadtsinn.decoders.kernel_numbers import U0, U1, U2, apply, big, little, special, whole
from stadtsinn.decoders.uplink import MAX_PAYLOAD

_REGISTERS, _STACK = p.REGISTERS, p.STACK
_LONGEST = MAX_PAYLOAD
_FIRST_BINARY = len(p.UNARY)
_LOW32 = np.uint64(0xFFFFFFFF)
_FLAT_BLOCK = 256
"""Most rows decoded field by field at once: their output fits into the processor's L1 cache."""


def _fingerprint() -> int:
    """Of all sources of the compiled kernel: numba's cache compares only this file's time."""
    folder = resources.files("stadtsinn.decoders")
    names = ("program.py", "kernel_numbers.py", "kernel_flat.py", "kernel.py", "uplink.py")
    return zlib.crc32(b"".join((folder / name).read_bytes() for name in names))


FINGERPRINT = _fingerprint()


@numba.njit(inline="always", error_model="numpy")
def _head(ops, op_base, pc, left):  # type: ignore[no-untyped-def]
    """The op to continue with after a jump to `pc`.

    A loop begins with JUMP_AT_END; that test is done at once, which saves a dispatch per record.
    """
    at = op_base + pc
    if ops[at, 0] == p.JUMP_AT_END:
        return np.uint64(ops[at, 1]) if left <= ops[at, 2] else pc + U1
    return pc


@numba.njit(inline="always", error_model="numpy")
def _frame(ops, op_base, pc, buffer, start, length):  # type: ignore[no-untyped-def]
    """The first op behind the tests of frames that begin at `pc`, for a payload at `start`."""
    while True:
        at = op_base + pc
        if ops[at, 0] == p.MATCH:
            fits = ops[at, 1] + ops[at, 2] <= length
            if fits:
                got = np.int64(0)
                for k in range(ops[at, 2]):
                    got = got << 8 | np.int64(buffer[start + np.uint64(ops[at, 1] + k)])
                fits = got & np.int64(ops[at, 3]) == np.int64(ops[at, 4])
            pc = pc + U1 if fits else np.uint64(ops[at, 5])
        elif ops[at, 0] == p.LENGTH:
            pc = pc + U1 if ops[at, 1] <= length <= ops[at, 2] else np.uint64(ops[at, 3])
        else:
            return pc


def machine(  # type: ignore[no-untyped-def]
    ops,  # int32[:, OP_COLUMNS], all programs one after the other
    floats,  # float64[:, FLOAT_COLUMNS]
    switch_keys,  # int64[:]
    switch_targets,  # int32[:]
    sentinels,  # float64[:]
    actions,  # int32[:]
    bases,  # uint64[:, 3]: first op, switch row, sentinel of each program
    buffer,  # uint8[:], the payloads and at least 8 more bytes
    offsets,  # int64[:], one more than rows
    programs,  # int32[:], per row, negative: unknown device
    ports,  # int32[:], per row
    received,  # int64[:], per row: Unix seconds, negative: not known
    first,  # row to begin with
    values,  # float64[:], out
    tags,  # int32[:], out: slot, and flag << 16
    starts,  # int64[:], out: a row's first value; one more than rows
    status,  # uint8[:], out
    details,  # int32[:, 2], out where status is not OK: byte offset, bytes needed
    extras,  # int64[:, 3], out: value's index, channel's number, Unix seconds (-1: none)
    extra_count,
):
    """Decode rows until done or out of space.

    Returns the next row, values and extras so far, and the fingerprint it was compiled with.
    """
    registers = np.zeros(_REGISTERS, np.float64)
    stack = np.zeros(_STACK + 4, np.float64)
    scratch = np.zeros(1, np.uint32)
    rows = np.int64(programs.shape[0])
    space = np.int64(values.shape[0])
    extra_space = np.int64(extras.shape[0])
    written = starts[first]
    last_program, last_port, last_pc = np.int32(-1), np.int64(-1), np.uint64(0)
    row = np.int64(first)
    while row < rows:
        begin, finish = np.int64(offsets[row]), np.int64(offsets[row + 1])
        length = finish - begin
        program = programs[row]
        port = np.int64(ports[row])
        state = p.OK
        where = need = np.int64(0)
        kept, extra_kept = written, extra_count
        if program < 0:
            state = p.UNKNOWN_DEVICE
        elif port == 0 or length == 0:
            state = p.NO_PAYLOAD
        elif length > _LONGEST:
            state = p.TOO_LONG
            where = np.int64(_LONGEST)
        elif port < 0 or port > 255:
            state = p.UNKNOWN_PORT
        else:
            op_base = bases[np.uint64(program), U0]
            switch_base = bases[np.uint64(program), U1]
            sentinel_base = bases[np.uint64(program), U2]
            start = np.uint64(begin)
            pos = np.int64(0)
            if program == last_program and port == last_port:
                pc = last_pc
                frame = _frame(ops, op_base, pc, buffer, start, length)
                at = op_base + frame
                if ops[at, 0] == p.EXACT and ops[at, 3] and ops[at, 1] == length:
                    # The frame has plain fields only: the following rows of equal layout are
                    # decoded in the same call.
                    plain = np.int64(ops[at, 2])
                    most = min(rows - row, _FLAT_BLOCK, (space - kept) // plain)
                    if most < 1:
                        return row, written, extra_count, FINGERPRINT
                    same = np.int64(1)
                    while (
                        same < most
                        and programs[row + same] == program
                        and ports[row + same] == port
                        and offsets[row + same + 1] - offsets[row + same] == length
                        and (
                            frame == pc
                            or _frame(
                                ops, op_base, pc, buffer, np.uint64(offsets[row + same]), length
                            )
                            == frame
                        )
                    ):
                        same += 1
                    missing = flat(
                        ops, floats, sentinels, actions, sentinel_base, at, plain,
                        buffer, start, length, same, kept, values, tags,
                    )  # fmt: skip
                    if missing:
                        for _ in range(same):
                            for _ in range(plain):
                                values[np.uint64(written)] = values[np.uint64(kept)]
                                tags[np.uint64(written)] = tags[np.uint64(kept)]
                                written += np.int64(tags[np.uint64(kept)] != p.MISSING)
                                kept += 1
                            status[row] = p.OK
                            row += 1
                            starts[row] = written
                        continue
                    for _ in range(same):
                        status[row] = p.OK
                        written += plain
                        row += 1
                        starts[row] = written
                    continue
            else:
                # Every program begins with its jump by port.
                pc = np.uint64(0)
                last_program, last_port = program, port
            registers[p.RECEIVED_REGISTER] = received[row] if received[row] >= 0 else math.nan
            registers[p.LENGTH_REGISTER] = length
            registers[p.PORT_REGISTER] = port
            depth = 0
            raw = 0.0
            short = False
            while True:
                at = op_base + pc
                pc += U1
                code = ops[at, 0]
                if code == p.FIELD or code == p.STORE:
                    if code == p.FIELD:
                        base = pos
                        if ops[at, 1] == p.AT_START:
                            base = np.int64(0)
                        elif ops[at, 1] == p.AT_END:
                            base = length
                        place = start + np.uint64(base + np.int64(ops[at, 2]))
                        word = little(buffer, place) if ops[at, 3] else big(buffer, place)
                        word = word << np.uint64(ops[at, 4])
                        if ops[at, 6]:
                            bits = np.int64(word) >> np.int64(ops[at, 5])
                        else:
                            bits = np.int64(word >> np.uint64(ops[at, 5]))
                        sent = raw = np.float64(bits)
                        if ops[at, 6] == p.ONES and bits < 0:
                            raw += 1.0
                        if ops[at, 7] != p.PLAIN:
                            sent = raw = special(
                                ops[at, 7], bits, np.int64(64 - ops[at, 5]), scratch
                            )
                        value = (raw + floats[at, 0]) * floats[at, 1] / floats[at, 2]
                        if ops[at, 9] >= 0:
                            registers[np.uint64(ops[at, 9])] = value
                    else:
                        depth -= 1
                        sent = raw = stack[depth]
                        value = raw * floats[at, 1] / floats[at, 2]
                        if ops[at, 9] >= 0:
                            registers[np.uint64(ops[at, 9])] = raw
                    slot = ops[at, 8]
                    if slot >= 0 and value - value == 0.0:
                        flag = np.int32(p.OUT_OF_RANGE)
                        if floats[at, 3] <= value <= floats[at, 4]:
                            flag = np.int32(p.GOOD)
                        for s in range(ops[at, 12], ops[at, 12] + ops[at, 13]):
                            if sentinels[sentinel_base + np.uint64(s)] == sent:
                                flag = actions[sentinel_base + np.uint64(s)]
                        doubt = np.uint64(ops[at, 14])
                        if flag == p.GOOD and doubt > U0 and registers[doubt] != 0.0:
                            flag = ops[at, 15]
                        if flag != p.MISSING:
                            if kept >= space:
                                return row, written, extra_count, FINGERPRINT
                            values[np.uint64(kept)] = value
                            tags[np.uint64(kept)] = slot | flag << 16
                            if ops[at, 10] >= 0 or ops[at, 11] >= 0:
                                if extra_kept >= extra_space:
                                    return row, written, extra_count, FINGERPRINT
                                channel = seconds = np.int64(-1)
                                if ops[at, 10] >= 0:
                                    channel = whole(registers[np.uint64(ops[at, 10])])
                                if ops[at, 11] >= 0:
                                    seconds = whole(registers[np.uint64(ops[at, 11])])
                                    latest = registers[p.RECEIVED_REGISTER] + p.CLOCK_TOLERANCE
                                    wrong = seconds < p.EARLIEST or seconds > latest
                                    if seconds >= 0 and wrong:
                                        tags[np.uint64(kept)] = slot | p.CLOCK_WRONG << 16
                                extras[extra_kept, 0] = kept
                                extras[extra_kept, 1] = channel
                                extras[extra_kept, 2] = seconds
                                extra_kept += 1
                            kept += 1
                elif code == p.NEED or code == p.EXACT:
                    wanted = np.int64(ops[at, 1])
                    if pos + wanted > length:
                        state = p.TRUNCATED
                        where, need = pos, wanted
                        break
                    if code == p.EXACT and pos + wanted < length:
                        state = p.TRAILING_BYTES
                        where = pos + wanted
                        break
                    plain = np.int64(ops[at, 2])
                    if plain > 0:
                        if kept + plain > space:
                            return row, written, extra_count, FINGERPRINT
                        cursor = start + np.uint64(pos)
                        for k in range(plain):
                            field = pc + np.uint64(k) + op_base
                            place = cursor + np.uint64(ops[field, 2])
                            word = little(buffer, place) if ops[field, 3] else big(buffer, place)
                            word = word << np.uint64(ops[field, 4])
                            right = np.uint64(ops[field, 5])
                            if ops[field, 6]:
                                bits = np.int64(word) >> np.int64(right)
                            else:
                                bits = np.int64(word >> right)
                            number = bits
                            if ops[field, 6] == p.ONES and bits < 0:
                                number += 1
                            value = (
                                (number + floats[field, 0]) * floats[field, 1] / floats[field, 2]
                            )
                            flag = np.int32(p.OUT_OF_RANGE)
                            if floats[field, 3] <= value <= floats[field, 4]:
                                flag = np.int32(p.GOOD)
                            for s in range(ops[field, 12], ops[field, 12] + ops[field, 13]):
                                if sentinels[sentinel_base + np.uint64(s)] == bits:
                                    flag = actions[sentinel_base + np.uint64(s)]
                            values[np.uint64(kept)] = value
                            tags[np.uint64(kept)] = ops[field, 8] | flag << 16
                            kept += np.int64(flag != p.MISSING)
                        pc += np.uint64(plain)
                        if ops[at, 3]:
                            if code == p.EXACT:
                                break
                            pos += np.int64(ops[at, 3])
                            pc += U1
                            # A tlv record ends with JUMP: take it without another dispatch.
                            if ops[op_base + pc, 0] == p.JUMP:
                                pc = _head(
                                    ops, op_base, np.uint64(ops[op_base + pc, 1]), length - pos
                                )
                elif code == p.ADVANCE:
                    pos += np.int64(ops[at, 1])
                elif code == p.DONE:
                    break
                elif code == p.SWITCH or code == p.SWITCH_KEY:
                    if code == p.SWITCH:
                        key = whole(registers[np.uint64(ops[at, 1])])
                    else:
                        size = np.int64(ops[at, 1])
                        if pos + size > length:
                            state = p.TRUNCATED
                            where, need = pos, size
                            break
                        key = np.int64(
                            big(buffer, start + np.uint64(pos)) >> np.uint64(64 - 8 * size)
                        )
                    found = False
                    if 0 <= key <= 0xFFFFFFFF:
                        product = np.uint64(key) * np.uint64(ops[at, 4]) & _LOW32
                        table_row = switch_base + np.uint64(ops[at, 2])
                        table_row += (product >> np.uint64(ops[at, 5])) & np.uint64(ops[at, 3])
                        if switch_keys[table_row] == key:
                            pc = np.uint64(switch_targets[table_row])
                            found = True
                    if code == p.SWITCH_KEY:
                        if not found and ops[at, 7]:
                            pc = np.uint64(ops[at, 6])
                        elif not found:
                            state = p.UNKNOWN_FRAME
                            where, need = pos, np.int64(ops[at, 1])
                            break
                        pos += np.int64(ops[at, 1])
                    elif not found:
                        pc = np.uint64(ops[at, 6])
                    if at == op_base:
                        last_pc = pc
                elif code == p.JUMP_AT_END:
                    if pos >= length - ops[at, 2]:
                        pc = np.uint64(ops[at, 1])
                elif code == p.JUMP:
                    pc = np.uint64(ops[at, 1])
                    if at == op_base:
                        last_pc = pc
                    pc = _head(ops, op_base, pc, length - pos)
                elif code == p.END:
                    if pos < length:
                        state = p.TRAILING_BYTES
                        where = pos
                    break
                elif code == p.JUMP_BIT_CLEAR:
                    if not whole(registers[np.uint64(ops[at, 1])]) >> np.int64(ops[at, 2]) & 1:
                        pc = np.uint64(ops[at, 3])
                elif code == p.KNOWN_BITS:
                    if whole(registers[np.uint64(ops[at, 1])]) & ~np.int64(ops[at, 2]):
                        state = p.UNKNOWN_FRAME
                        where = pos
                        break
                elif code == p.LENGTH:
                    if length < ops[at, 1] or length > ops[at, 2]:
                        short = short or length < ops[at, 1]
                        pc = np.uint64(ops[at, 3])
                elif code == p.MATCH:
                    first_byte, size = np.int64(ops[at, 1]), np.int64(ops[at, 2])
                    have = min(size, max(np.int64(0), length - first_byte))
                    got = np.int64(0)
                    if have > 0:
                        got = np.int64(
                            big(buffer, start + np.uint64(first_byte)) >> np.uint64(64 - 8 * have)
                        )
                    missing = 8 * (size - have)
                    fits = got & (np.int64(ops[at, 3]) >> missing) == (
                        np.int64(ops[at, 4]) >> missing
                    )
                    if missing > 0 and fits:
                        short = True
                    if missing > 0 or not fits:
                        pc = np.uint64(ops[at, 5])
                elif code == p.NO_FRAME:
                    state = p.TRUNCATED if short else p.UNKNOWN_FRAME
                    where = length if short else np.int64(0)
                    break
                elif code == p.FAIL:
                    state = ops[at, 1]
                    where, need = pos, np.int64(ops[at, 2])
                    break
                elif code == p.REST:
                    pos = length
                elif code == p.LOOP_SET:
                    times = np.float64(ops[at, 2])
                    if ops[at, 3] >= 0:
                        times = registers[np.uint64(ops[at, 3])]
                    registers[np.uint64(ops[at, 1])] = times
                elif code == p.LOOP:
                    if registers[np.uint64(ops[at, 1])] < 1:
                        pc = np.uint64(ops[at, 2])
                    else:
                        registers[np.uint64(ops[at, 1])] -= 1.0
                elif code == p.PUSH:
                    if ops[at, 1] >= 0:
                        stack[depth] = registers[np.uint64(ops[at, 1])]
                    else:
                        stack[depth] = floats[at, 0]
                    depth += 1
                elif code == p.CALL:
                    function = ops[at, 1]
                    if function >= p.SELECT:
                        depth -= 3
                        a = stack[depth + 1] if stack[depth] != 0.0 else stack[depth + 2]
                        stack[depth] = a if a - a == 0.0 else math.nan
                    else:
                        b = 0.0
                        if function >= _FIRST_BINARY:
                            second = ops[at, 3]
                            if second == p.ON_STACK:
                                depth -= 1
                                b = stack[depth]
                            else:
                                b = registers[np.uint64(second)] if second >= 0 else floats[at, 1]
                        source = ops[at, 2]
                        if source == p.ON_STACK:
                            depth -= 1
                            a = stack[depth]
                        else:
                            a = registers[np.uint64(source)] if source >= 0 else floats[at, 0]
                        stack[depth] = apply(function, a, b)
                    depth += 1
                elif code == p.NEED_ALL:
                    if np.int64(ops[at, 1]) > length:
                        state = p.TRUNCATED
                        where, need = length, np.int64(ops[at, 1]) - length
                        break
                elif code == p.SKIP_BY:
                    count = whole(registers[np.uint64(ops[at, 1])])
                    if count < 0 or count > length - pos:
                        state = p.UNKNOWN_FRAME if count < 0 else p.TRUNCATED
                        where = pos
                        need = max(np.int64(0), min(count, np.int64(p.MOST_NEEDED)))
                        break
                    pos += count
        status[row] = state
        if state == p.OK:
            written, extra_count = kept, extra_kept
        else:
            details[row, 0] = where
            details[row, 1] = need
        row += 1
        starts[row] = written
    return rows, written, extra_count, FINGERPRINT
