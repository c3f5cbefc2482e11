// Keeps the number up to date. All texts come ready from the server, so page and script agree;
// without this script the page shows the same and reloads itself.

const page = document.getElementById("counter");
const part = (id) => document.getElementById(id);
const language = page.dataset.lang;
const pollMs = Number(page.dataset.poll) * 1000;
const COURSE_MS = 5 * 60 * 1000;
const LOOK_MS = 1000;

let paused = false;
let polling = false;
let nextPoll = performance.now() + jittered();
let courseDue = performance.now() + COURSE_MS;
let staleAt = deadline(page.dataset.validUntil, page.dataset.clock, 0);
let shownClass = page.dataset.class;
let shownState = page.dataset.state;

// So that thousands of viewers do not ask in the same second.
function jittered() {
  return pollMs * (0.8 + 0.4 * Math.random());
}

// When a number ceases to hold, on this device's own steady clock: its time of day may be wrong.
function deadline(validUntil, serverClock, ageSeconds) {
  if (!validUntil) return -Infinity;
  const now = serverClock ? Date.parse(serverClock) : Date.now();
  return performance.now() + Date.parse(validUntil) - now - 1000 * ageSeconds;
}

function show(count) {
  const says = count.text[language];
  const known = count.occupancy !== null;
  part("fresh").hidden = !known;
  part("stale").hidden = known;
  part("updated").textContent = says.updated;
  if (!known) part("no-data").textContent = says.headline;
  if (known) {
    part("qualifier").textContent = says.qualifier;
    part("number").textContent = says.number;
    part("level").textContent = says.level;
    part("level-line").hidden = !says.level;
    part("interval").textContent = says.interval;
    part("share").textContent = says.share;
    for (const id of ["advice", "why"]) {
      part(id).textContent = says[id];
      part(id).hidden = !says[id];
    }
    if (count.class) part("icon").setAttribute("href", "#icon-" + count.class);
    showMeter(count);
  }
  page.dataset.class = count.class || "";
  page.dataset.state = count.state;
  document.title = document.title.replace(/^.*? – /, says.headline + " – ");
  announce(count, says);
}

function showMeter(count) {
  const permitted = Number(page.dataset.permitted);
  if (!permitted || !part("meter-fill")) return;
  const percent = (persons) => Math.min(100, (100 * persons) / permitted);
  const low = percent(count.interval.low);
  part("meter-fill").setAttribute("width", low);
  part("meter-marker").setAttribute("x", percent(count.occupancy) - 0.3);
  part("meter-spread").setAttribute("x", low);
  part("meter-spread").setAttribute("width", percent(count.interval.high) - low);
}

// Screen readers hear a change of class or state, not every new number.
function announce(count, says) {
  const changed = (count.class || "") !== shownClass || count.state !== shownState;
  shownClass = count.class || "";
  shownState = count.state;
  if (!changed) return;
  const text = part("announce").dataset.prefix + says.headline;
  part("announce").textContent = says.advice ? text + ". " + says.advice : text;
}

function showStale() {
  if (shownState === "stale") return;
  part("no-data").textContent = page.dataset.noData;
  part("fresh").hidden = true;
  part("stale").hidden = false;
  page.dataset.class = shownClass = "";
  page.dataset.state = shownState = "stale";
  document.title = document.title.replace(/^.*? – /, page.dataset.noData + " – ");
  part("announce").textContent = page.dataset.noData;
}

async function poll() {
  polling = true;
  try {
    const answer = await fetch(page.dataset.url, { cache: "no-cache", credentials: "omit" });
    if (!answer.ok || paused) return;
    const count = await answer.json();
    const age = Number(answer.headers.get("Age")) || 0;
    staleAt = deadline(count.valid_until, answer.headers.get("X-Server-Clock"), age);
    show(count);
    if (performance.now() >= courseDue) await renewCourse();
  } catch {
    // Offline or the server is away: the number stays until it is no longer valid.
  } finally {
    polling = false;
    nextPoll = performance.now() + jittered();
  }
}

async function renewCourse() {
  courseDue = performance.now() + COURSE_MS;
  const course = part("course");
  if (course.contains(document.activeElement) || course.querySelector("details[open]")) return;
  const answer = await fetch(location.href, { cache: "no-cache", credentials: "omit" });
  const renewed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = renewed.getElementById("course");
  if (answer.ok && fresh) course.replaceWith(document.adoptNode(fresh));
}

function look() {
  if (performance.now() >= staleAt) showStale();
  if (paused || polling || document.hidden) return;
  if (performance.now() >= nextPoll) poll();
}

part("controls").hidden = false;
part("pause").addEventListener("click", () => {
  paused = !paused;
  part("pause").textContent = paused ? part("pause").dataset.resume : part("pause").dataset.pause;
  const state = part("pause-state");
  state.textContent = paused ? state.dataset.paused : state.dataset.running;
  if (!paused) poll();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !paused && !polling) poll();
});
setInterval(look, LOOK_MS);
