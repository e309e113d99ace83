// The panels of a page: controls that are moved, and the answer that is drawn anew.

const QUIET = 600; // milliseconds without a move until the answer is read out
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 360;

function shape(parent, name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, String(value)));
  made.textContent = text;
  parent.append(made);
  return made;
}

function drawClaim(svg, voice, { before, after, claimed }) {
  const most = Math.max(before, after, claimed);
  const wide = (value) => (WIDTH * Math.max(0, value)) / most;
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 112`);
  const bars = { before, after };
  Object.entries(bars).forEach(([name, value], row) => {
    const amount = voice.amount(value);
    const top = 52 * row;
    shape(svg, "text", { x: 0, y: top + 14 }, voice.say("claim", "bar_" + name, { amount }));
    shape(svg, "rect", { x: 0, y: top + 22, width: wide(value), height: 22, class: "cx-" + name });
  });
  const at = Math.min(wide(claimed), WIDTH - 1);
  shape(svg, "line", { x1: at, x2: at, y1: 18, y2: 104, class: "cx-target" });
}

function drawProgramme(svg, voice, { sums }) {
  const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
  const scale = 140 / (high - low || 1);
  const zero = 12 + high * scale;
  const step = WIDTH / sums.length;
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 180`);
  const every = Math.ceil(sums.length / 11);
  sums.forEach((value, year) => {
    const sides = { x: year * step + step * 0.12, width: step * 0.76 };
    const top = Math.min(zero, zero - value * scale);
    const kind = value < 0 ? "cx-below" : "cx-after";
    shape(svg, "rect", { ...sides, y: top, height: Math.abs(value * scale), class: kind });
    if (year % every === 0)
      shape(svg, "text", { x: (year + 0.5) * step, y: 174, class: "cx-middle" }, String(year));
  });
  shape(svg, "line", { x1: 0, x2: WIDTH, y1: zero, y2: zero, class: "cx-zero" });
}

const KINDS = {
  claim: { answer: claimAnswer, draw: drawClaim },
  programme: { answer: programmeAnswer, draw: drawProgramme },
};

function valueWords(voice, each, state) {
  const value = state[each.name];
  if (each.kind === "money") return voice.inCurrency(number(value, value ? each.unit : 1));
  if (each.kind === "share") return voice.share(value);
  const points = each.kind === "points" || state.reading === "points";
  return points ? voice.points(value) : voice.share(value);
}

function lines(list, texts) {
  list.replaceChildren(
    ...texts.map((text) => {
      const line = document.createElement("li");
      line.textContent = text;
      return line;
    }),
  );
}

function open(panel) {
  const { spec, words } = JSON.parse(panel.querySelector("script").textContent);
  const { answer, draw } = KINDS[spec.kind];
  const voice = speaker(words);
  const part = (name) => panel.querySelector(`[data-part="${name}"]`);
  const control = (each) => panel.querySelector(`[data-name="${each.name}"]`);
  let waiting = 0;

  const present = () => ({
    ...Object.fromEntries(
      spec.sliders.map((each) => [each.name, each.values[Number(control(each).value)]]),
    ),
    ...Object.fromEntries(spec.choices.map((each) => [each.name, control(each).value])),
  });

  function write(state) {
    for (const each of spec.sliders) {
      const text = valueWords(voice, each, state);
      control(each).setAttribute("aria-valuetext", text);
      control(each).parentElement.querySelector("output").textContent = text;
    }
    const rate = panel.querySelector('[data-name="base_retention"]').parentElement;
    rate.hidden = state.curve === "own";
  }

  function show() {
    const state = present();
    const found = answer(voice, spec, state, words);
    write(state);
    part("headline").textContent = found.headline;
    lines(part("lines"), found.lines);
    part("caption").textContent = found.caption;
    part("figure").hidden = !found.caption;
    part("chart").replaceChildren();
    if (found.caption) draw(part("chart"), voice, found.numbers);
    if (spec.kind === "claim")
      part("report").textContent = fill(words.report, { sentence: spec.report[state.reading] });
    return found.headline;
  }

  function moved() {
    const headline = show();
    clearTimeout(waiting);
    waiting = setTimeout(() => (part("live").textContent = headline), QUIET);
  }

  function back() {
    for (const each of spec.sliders) control(each).value = String(each.start);
    for (const each of spec.choices) control(each).value = each.values[0];
  }

  part("chart").removeAttribute("width");
  part("chart").removeAttribute("height");
  back();
  show();
  panel.addEventListener("input", moved);
  part("back").addEventListener("click", () => {
    back();
    moved();
  });
  part("controls").hidden = false;
  part("static").hidden = true;
}

document.querySelectorAll(".cx-what-if").forEach(open);
