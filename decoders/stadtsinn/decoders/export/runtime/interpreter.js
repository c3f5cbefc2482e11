// The interpreter of op tables, ported from interpreter.py. `device` has the tables.

var UNKNOWN_PORT = 2, UNKNOWN_FRAME = 3, TRUNCATED = 4, TRAILING_BYTES = 5, NO_PAYLOAD = 6, TOO_LONG = 7;

function otherBits(number, allowed) { // of a number of up to 53 bits; a negative one has many
  var high = Math.floor(number / 4294967296), known = Math.floor(allowed / 4294967296);
  return (number & ~allowed) !== 0 || (high & ~known) !== 0;
}

function number(bytes, from, size) { // up to 4 bytes
  var result = 0, i;
  for (i = from; i < from + size; i++) result = result * 256 + (bytes[i] || 0);
  return result;
}

// Whether a payload too short for a test matches as far as it goes.
function begins(op, bytes) {
  var have = Math.max(0, bytes.length - op[1]), missing = 8 * (op[2] - have);
  return (number(bytes, op[1], have) & op[3] >> missing) === op[4] >> missing;
}

function branch(op, key) {
  var target = key >= 0 && key <= 4294967295 ? device.switches[op[2]][key] : undefined;
  return target === undefined ? op[3] : target;
}

var EARLIEST = 1451606400; // a device's clock before 2016 is not set
var CLOCK_TOLERANCE = 3600; // seconds that it may be ahead of the gateway's

function store(op, sent, value, registers, values) {
  var flag = value >= op[10] && value <= op[11] ? 0 : 1, row, seconds;
  if (!isFinite(value)) return;
  for (row = op[14]; row < op[14] + op[15]; row++) {
    if (device.sentinels[row] === sent) flag = device.actions[row];
  }
  if (flag === -1) return;
  if (flag === 0 && op[16] && registers[op[16]] !== 0) flag = op[17];
  seconds = op[13] ? whole(registers[op[13] - 1]) : -1;
  if (seconds >= 0 && (seconds < EARLIEST || seconds > registers[1] + CLOCK_TOLERANCE)) flag = 2;
  values.push({
    slot: device.slots[op[9] - 1],
    value: value,
    flag: flag,
    channel: op[12] ? whole(registers[op[12] - 1]) : -1,
    seconds: seconds
  });
}

// Runs the device's program; `view` takes what the vendor's codec prints.
function interpret(bytes, fPort, received, view) {
  var end = bytes.length, registers = [], stack = [], values = [], raw = 0, pos = 0, pc = 0, cut = false;
  var op, value, at;
  for (value = 0; value < 64; value++) registers.push(0);
  registers[0] = fPort;
  registers[1] = received;
  registers[2] = end;
  function stop(status, where, need) { return { status: status, where: where, need: need, values: [] }; }
  for (;;) {
    op = device.ops[device.program[pc]];
    switch (op[0]) {
      case 0: // a field
        at = op[2] + ((op[1] & 3) === 0 ? pos : (op[1] & 3) === 1 ? 0 : end);
        raw = extract(bytes, at, op[1] >> 2 & 1, op[3], op[4], op[1] >> 3 & 3);
        if (op[1] >> 5) raw = special(op[1] >> 5, raw, 64 - op[4]);
        value = (raw + op[5]) * op[6] / op[7];
        if (op[8]) registers[op[8] - 1] = value;
        // A sentinel of ones' complement is compared as two's complement, where all ones are not 0.
        if (op[9]) store(op, (op[1] >> 3 & 3) === 2 && op[15] ? extract(bytes, at, op[1] >> 2 & 1, op[3], op[4], 1) : raw, value, registers, values);
        break;
      case 1: // exactly so many bytes
        if (pos + op[1] > end) return stop(TRUNCATED, pos, op[1]);
        if (pos + op[1] < end) return stop(TRAILING_BYTES, pos + op[1], 0);
        break;
      case 2: // at least so many bytes
        if (pos + op[1] > end) return stop(TRUNCATED, pos, op[1]);
        break;
      case 3: pos += op[1]; break;
      case 5: // the end of a frame
        if (pos < end) return stop(TRAILING_BYTES, pos, 0);
        return { status: 0, values: values };
      case 4: return { status: 0, values: values };
      case 6: // a switch by a register
        pc = branch(op, whole(registers[op[1]]));
        continue;
      case 7: // a switch by a key at pos
        if (pos + op[1] > end) return stop(TRUNCATED, pos, op[1]);
        pc = branch(op, number(bytes, pos, op[1]));
        if (pc === op[3] && !op[4]) return stop(UNKNOWN_FRAME, pos, op[1]);
        pos += op[1];
        continue;
      case 8: pc = op[1]; continue;
      case 9: // a jump when no more than a tail is left
        if (pos >= end - op[2]) { pc = op[1]; continue; }
        break;
      case 10: // a jump unless a bit is set
        if (Math.floor(whole(registers[op[1]]) / Math.pow(2, op[2])) % 2 === 0) { pc = op[3]; continue; }
        break;
      case 11: // no other bits
        if (otherBits(whole(registers[op[1]]), op[2])) return stop(UNKNOWN_FRAME, pos, 0);
        break;
      case 12: // a frame's length
        if (end < op[1] || end > op[2]) {
          cut = cut || end < op[1];
          pc = op[3];
          continue;
        }
        break;
      case 13: // a frame's bytes
        if (op[1] + op[2] > end) {
          cut = cut || begins(op, bytes);
          pc = op[5];
          continue;
        }
        if ((number(bytes, op[1], op[2]) & op[3]) !== op[4]) { pc = op[5]; continue; }
        break;
      case 14: return cut ? stop(TRUNCATED, end, 0) : stop(UNKNOWN_FRAME, 0, 0);
      case 15: return stop(op[1], pos, op[2]);
      case 16: pos = end; break;
      case 17: registers[op[1]] = op[3] ? registers[op[3] - 1] : op[2]; break;
      case 18: // a loop
        if (registers[op[1]] < 1) { pc = op[2]; continue; }
        registers[op[1]] -= 1;
        break;
      case 19: stack.push(op[1] ? registers[op[1] - 1] : op[2]); break;
      case 20: call(op, registers, stack); break;
      case 21: // a computed value
        raw = stack.pop();
        if (op[8]) registers[op[8] - 1] = raw;
        if (op[9]) store(op, raw, raw * op[6] / op[7], registers, values);
        break;
      case 22: // so many bytes in the whole payload
        if (op[1] > end) return stop(TRUNCATED, end, op[1] - end);
        break;
      case 23: // skip as many bytes as a register says
        value = whole(registers[op[1]]);
        if (value < 0) return stop(UNKNOWN_FRAME, pos, 0);
        if (value > end - pos) return stop(TRUNCATED, pos, Math.min(value, 65535));
        pos += value;
        break;
      case 24: view.render(device.renders[op[1]], raw, registers, bytes, pos); break;
    }
    pc += 1;
  }
}
