// The codec that a network server calls.

// Whole Unix seconds of a Date or an ISO 8601 text with offset; NaN for anything else.
function unixSeconds(time) {
  var parts, offset;
  if (time && typeof time.getTime === "function") return Math.floor(time.getTime() / 1000);
  parts = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:[Zz]|([+-])(\d\d):?(\d\d))$/
    .exec(typeof time === "string" ? time : "");
  if (!parts) return NaN;
  offset = parts[7] ? (parts[8] * 60 + Number(parts[9])) * (parts[7] === "-" ? -60 : 60) : 0;
  return Date.UTC(parts[1], parts[2] - 1, parts[3], parts[4], parts[5], parts[6]) / 1000 - offset;
}

function reading(one) {
  var shown = {
    quantity: one.slot[0],
    value: one.value,
    unit: one.slot[1],
    channel: one.channel < 0 ? one.slot[2] : one.slot[2].replace("{}", String(one.channel)),
    quality: "good"
  };
  if (one.flag === 1) {
    shown.quality = "bad";
    shown.reason = "out_of_range";
  } else if (one.flag === 2) {
    shown.quality = "bad";
    shown.reason = "clock_wrong";
  } else if (one.flag > 2) {
    shown.quality = device.faults[one.flag - 3][1];
    shown.reason = device.faults[one.flag - 3][0];
  }
  if (one.seconds >= 0) {
    shown.event_time = new Date(Math.min(one.seconds, LAST_SECOND) * 1000).toISOString().slice(0, 19) + "Z";
  }
  return shown;
}

function bytesOf(count) { return count + (count === 1 ? " byte" : " bytes"); }

function message(result, fPort, bytes) {
  var size = bytes.length, where = result.where;
  switch (result.status) {
    case NO_PAYLOAD: return "nothing to decode: " + bytesOf(size) + " on fPort " + fPort;
    case TOO_LONG: return "payload of " + size + " bytes; a LoRaWAN frame carries at most " + device.longest;
    case UNKNOWN_PORT: return "no frame is known for fPort " + fPort;
    case TRUNCATED:
      if (!result.need) return "too short at offset " + where + " to tell its kind of frame";
      return "too short: " + bytesOf(result.need) + " needed at offset " + where + ", " + (size - where) + " there";
    case TRAILING_BYTES:
      return bytesOf(size - where) + " at offset " + where + " after the end of the frame";
  }
  if (result.need < 0) return device.refusals[-1 - result.need];
  return "no frame of fPort " + fPort + " has " + (hex(bytes.slice(where, where + 4)) || "this") + " at offset " + where;
}

function refusal(fPort, bytes) {
  if (fPort === 0 || bytes.length === 0) return { status: NO_PAYLOAD };
  if (bytes.length > device.longest) return { status: TOO_LONG };
  if (!(fPort >= 1 && fPort <= 255 && fPort === Math.floor(fPort))) return { status: UNKNOWN_PORT };
  return null;
}

function isByte(value) { return typeof value === "number" && value >= 0 && value <= 255 && value % 1 === 0; }

function plainBytes(given) { // a copy as an array; null if an element is no byte
  var bytes = [], i;
  if (!given || typeof given !== "object" || typeof given.length !== "number") return null;
  for (i = 0; i < given.length; i++) {
    if (!isByte(given[i])) return null;
    bytes.push(given[i]);
  }
  return bytes;
}

function decode(input) {
  var bytes = plainBytes(input && input.bytes), fPort = input && input.fPort, view, result, readings = [], warnings = [], i;
  if (!bytes) return { errors: [device.id + ": input.bytes must be a list of whole numbers from 0 to 255"] };
  if (typeof fPort !== "number") return { errors: [device.id + ": input.fPort must be a number from 1 to 255"] };
  view = vendorView();
  result = refusal(fPort, bytes) || interpret(bytes, fPort, unixSeconds(input.recvTime), view);
  if (result.status !== 0) return { errors: [device.id + ": " + message(result, fPort, bytes)] };
  for (i = 0; i < result.values.length; i++) {
    readings.push(reading(result.values[i]));
    if (readings[i].reason) {
      warnings.push(readings[i].quantity + (readings[i].channel && " ") + readings[i].channel +
        ": " + readings[i].quality + ", " + readings[i].reason);
    }
  }
  view.fields.stadtsinn = { decoder: device.decoder, readings: readings };
  return { data: view.fields, warnings: warnings };
}

// Quantities with a field in The Things Stack's normalized payload: path of the field, divisor.
var NORMALIZED = {
  air_temperature: ["air", "temperature", 1],
  relative_humidity: ["air", "relativeHumidity", 1],
  atmospheric_pressure: ["air", "pressure", 1],
  co2: ["air", "co2", 1],
  illuminance: ["air", "lightIntensity", 1],
  wind_speed: ["wind", "speed", 1],
  wind_direction: ["wind", "direction", 1],
  soil_moisture: ["soil", "moisture", 1],
  soil_temperature: ["soil", "temperature", 1],
  soil_conductivity: ["soil", "ec", 1000],
  soil_ph: ["soil", "pH", 1],
  soil_nitrogen: ["soil", "n", 1],
  soil_phosphorus: ["soil", "p", 1],
  soil_potassium: ["soil", "k", 1]
};

// Only good values, of channels without a name or of soil channels named by depth: the schema has
// no field for other channels.
function normalize(input) {
  var ours = input && input.data && input.data.stadtsinn, readings = ours && ours.readings || [];
  var data = [], known = {}, i, one, place, depth, group, key;
  for (i = 0; i < readings.length; i++) {
    one = readings[i] || {};
    place = has(NORMALIZED, one.quantity) ? NORMALIZED[one.quantity] : null;
    depth = /^(\d+)cm$/.exec(one.channel);
    if (!place || one.quality !== "good" || one.channel && !(depth && place[0] === "soil")) continue;
    key = one.channel + " " + one.event_time;
    group = inner(known, key, {});
    if (!group.entry) {
      group.entry = one.event_time ? { time: one.event_time } : {};
      data.push(group.entry);
    }
    group = inner(group.entry, place[0], depth ? { depth: Number(depth[1]) } : {});
    if (!has(group, place[1])) {
      group[place[1]] = one.quantity === "wind_direction" ? one.value % 360 : one.value / place[2];
    }
  }
  return { data: data, warnings: [] };
}
