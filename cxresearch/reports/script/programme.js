// Whether a programme pays: the customers of today year by year, with it and without it.

const HALVINGS = 60;

function payments(plan, lift) {
  const flows = [-plan.one_off_cost];
  const there = plan.customers * plan.reached;
  let [without, withIt] = [1, 1];
  for (let year = 0; year < plan.horizon; year += 1) {
    const ramp = plan.ramp[Math.min(year, plan.ramp.length - 1)];
    const rate = plan.base_retention + lift * plan.attribution * ramp;
    without *= plan.base_retention;
    withIt *= Math.min(1, Math.max(0, rate));
    flows.push(there * (withIt - without) * plan.annual_margin - plan.annual_cost);
  }
  return flows;
}

const discounted = (plan, flows) =>
  flows.map((flow, year) => flow * (1 + plan.annual_discount_rate) ** -year);

const presentValue = (plan, lift) => sum(discounted(plan, payments(plan, lift)));

function runningSums(flows) {
  let total = 0;
  return flows.map((flow) => (total += flow));
}

// The lift at which the value is 0, by halving; null where none is enough.
function needed(plan) {
  const most = 1 - plan.base_retention;
  if (presentValue(plan, most) < 0) return null;
  let [low, high] = [0, most];
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    if (presentValue(plan, middle) >= 0) high = middle;
    else low = middle;
  }
  return presentValue(plan, low) >= 0 ? low : high;
}

// The month from which on the sum is never below 0 again; null for never.
function payback(flows) {
  const total = runningSums(flows);
  const last = total.findLastIndex((value) => value < 0);
  if (last < 0) return 0;
  if (last === total.length - 1) return null;
  const rise = total[last + 1] > total[last] ? total[last + 1] - total[last] : 1;
  return 12 * (last - total[last] / rise);
}

const monthWords = (month) => number(Math.ceil(snap(month)), 1);

function needWords(voice, plan, least) {
  if (least === null) return voice.say("programme", "needs_too_much");
  if (least === 0) return voice.say("programme", "needs_nothing");
  const said = { needed: voice.points(least), lift: voice.points(plan.lift) };
  return voice.say("programme", "needs", said);
}

function backWords(voice, plain, today, span) {
  const say = (name, month) =>
    voice.say("programme", name, { span, month: month === undefined ? "" : monthWords(month) });
  if (plain === null) return [say("back_never")];
  if (today === 0) return [say("back_at_once")];
  return [
    say("back", plain),
    today === null ? say("back_today_never") : say("back_today", today),
  ];
}

function programmeCaption(voice, sums, span) {
  const lowest = sums.indexOf(Math.min(...sums));
  return voice.say("programme", "caption", {
    year: lowest,
    span,
    first: voice.amount(sums[0]),
    least: voice.amount(sums[lowest]),
    last: voice.amount(sums.at(-1)),
  });
}

function programmeAnswer(voice, spec, state, words) {
  const plan = { ...spec.fixed, ...state };
  const flows = payments(plan, plan.lift);
  const today = discounted(plan, flows);
  const [npv, sums, least] = [sum(today), runningSums(today), needed(plan)];
  const [plain, later] = [payback(flows), payback(today)];
  const largest = 1 - plan.base_retention;
  const beyond = plan.lift > largest + 1e-9;
  return {
    headline: voice.say("programme", npv >= 0 ? "pays" : "loses", { npv: voice.amount(npv) }),
    lines: [
      needWords(voice, plan, least),
      ...(beyond ? [voice.say("programme", "beyond", { most: voice.points(largest) })] : []),
      ...backWords(voice, plain, later, words.span),
    ],
    caption: programmeCaption(voice, sums, words.span),
    numbers: { npv, needed: least, payback: plain, payback_today: later, sums },
  };
}
