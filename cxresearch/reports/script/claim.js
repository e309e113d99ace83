// How much higher profit is with more retention: the sums that the package does, in its order.

const TINY = 1e-12;
const ENOUGH = 1e-12;
const NOISE = 1e-9; // margins of a year: costs that are just covered leave no profit but rounding
const BY_YEAR = ["annual_profit", "steady_state"];

class NotDefined extends Error {}

const refuse = (voice, name, values) => {
  throw new NotDefined(voice.say("roi", name, values));
};

const ends = (count, name) => (count === 1 ? name + "_one" : name);
const sum = (list) => list.reduce((total, value) => total + value, 0);
const range = (count, first = 0) => Array.from({ length: count }, (_, i) => first + i);

function raised(state, rate) {
  if (state.reading === "points") return rate + state.lift;
  return state.reading === "relative" ? rate * (1 + state.lift) : rate + state.lift * (1 - rate);
}

const lifted = (state, rate) => Math.min(raised(state, rate), 1);
const passesOne = (state, rate) => raised(state, rate) > 1 + 1e-12;

// After how many terms 1 + q + q² + … is as good as complete.
function terms(voice, kept) {
  if (kept >= 1) refuse(voice, "endless");
  return kept > TINY ? Math.ceil(Math.log(TINY * (1 - kept)) / Math.log(kept)) : 2;
}

// Margins of a customer whose rate never changes, in today's worth.
function margins(rate, discount, first, horizon) {
  if (rate >= 1 && discount <= 0 && horizon === null) return NaN;
  const log = Math.log(rate) - Math.log1p(discount);
  const now = first === "now" ? 1 : Math.exp(log);
  const rest = -Math.expm1(log < 0 ? log : -1);
  if (horizon === null) return now / rest;
  return now * (log < 0 ? -Math.expm1(horizon * log) / rest : horizon);
}

const geometric = (rate, count) => margins(rate, 0, "now", count);

// Customers of a steady firm in a year, without the lift and with it; null is the long run.
function firmSizes(before, after, year) {
  if (year === null) return [geometric(before, null), geometric(after, null)];
  const today = geometric(before, null);
  return [today, geometric(after, year) + after ** year * today];
}

function bills(voice, spec, state) {
  if (spec.fixed.horizon !== null) return spec.fixed.horizon;
  const own = state.curve === "own";
  const kept = (own ? 1 : state.base_retention) / (1 + state.annual_discount_rate);
  if (kept >= 1) refuse(voice, "undiscounted");
  return terms(voice, kept);
}

function checkAsked(voice, spec, state) {
  const own = state.curve === "own";
  const won = state.acquisition_cost && [...BY_YEAR, "net_value"].includes(state.profit);
  if (own && spec.fixed.late && won) refuse(voice, "won");
  if (!own && passesOne(state, state.base_retention)) {
    const rate = significant(100 * state.base_retention, 3);
    refuse(voice, "passes", { rate, lift: liftWords(voice, state) });
  }
  if (own && state.profit === "steady_state") refuse(voice, "long_run");
  if (!BY_YEAR.includes(state.profit)) bills(voice, spec, state);
}

// The curve up to a year, without the lift and with it.
function curves(voice, spec, state, years) {
  const before = staying(voice, spec, state, years);
  const after = [before[0]];
  rates(before).forEach((rate, year) => {
    const kept = year > 0 && spec.fixed.renewals === "first" ? rate : lifted(state, rate);
    after.push(after[year] * kept);
  });
  return [before, after];
}

function staying(voice, spec, state, years) {
  const { retained, longest } = spec.fixed;
  if (state.curve !== "own") return range(years + 1).map((t) => state.base_retention ** t);
  if (longest !== null && years > longest)
    throw new NotDefined(voice.say("plurals", ends(longest, "reach"), { n: longest }));
  return retained.slice(0, years + 1);
}

const rates = (curve) =>
  curve.slice(1).map((there, year) => (curve[year] > 0 ? there / curve[year] : 0));

const level = (before, after, paidFor, costs, state) => ({
  before: state.annual_margin * before - costs,
  after: state.annual_margin * after - state.retention_cost * paidFor - costs,
});

function valueLevels(voice, spec, state) {
  const { first_margin: first, horizon, renewals, ages: mix } = spec.fixed;
  const costs = state.profit === "net_value" ? state.acquisition_cost : 0;
  const discount = state.annual_discount_rate;
  if (state.curve !== "own" && renewals === "every") {
    const [before, after] = [state.base_retention, lifted(state, state.base_retention)].map(
      (rate) => margins(rate, discount, first, horizon),
    );
    return level(before, after, after, costs, state);
  }
  const late = first === "now" ? 0 : 1;
  const ages = state.profit === "base_value" ? mix : [1];
  const times = range(bills(voice, spec, state), late);
  const last = times.at(-1);
  const both = curves(voice, spec, state, last + ages.length - 1);
  const worth = (curve, t) =>
    sum(ages.map((weight, age) => (curve[age] > 0 ? (weight * curve[age + t]) / curve[age] : 0))) *
    (1 + discount) ** -t;
  const [before, after] = both.map((curve) => sum(times.map((t) => worth(curve, t))));
  const [, raisedCurve] = both;
  const newest = ages[0] * raisedCurve[late] * (1 + discount) ** -late;
  return level(before, after, renewals === "first" ? newest : after, costs, state);
}

function yearLevels(voice, spec, state) {
  const { first_margin: first, renewals, year, fixed_cost_share: fixedShare } = spec.fixed;
  const late = first === "now" ? 0 : 1;
  const when = state.profit === "annual_profit" ? year : null;
  const sizes =
    state.curve !== "own" && renewals === "every"
      ? steadySizes(state, when)
      : curveSizes(voice, spec, state, when);
  const costs =
    state.acquisition_cost + fixedShare * state.annual_margin * (sizes.today - late);
  const paidFor = renewals === "first" ? sizes.newest[late] : sizes.after - late;
  return level(sizes.before - late, sizes.after - late, paidFor, costs, state);
}

function steadySizes(state, when) {
  const rate = state.base_retention;
  const [before, after] = firmSizes(rate, lifted(state, rate), when);
  return { before, after, today: geometric(rate, null) };
}

function curveSizes(voice, spec, state, when) {
  const own = state.curve === "own";
  const ages = own ? spec.fixed.firm_years : terms(voice, state.base_retention);
  const year = when === null ? ages : when;
  const [plain, newest] = curves(voice, spec, state, ages + year);
  const kept = range(ages + 1).map((age) =>
    newest[age] > 0 ? (plain[age] * newest[age + year]) / newest[age] : 0,
  );
  return {
    before: sum(plain),
    after: sum(newest.slice(0, year)) + sum(kept),
    today: sum(plain.slice(0, ages + 1)),
    newest,
  };
}

function levels(voice, spec, state) {
  checkAsked(voice, spec, state);
  const found = (BY_YEAR.includes(state.profit) ? yearLevels : valueLevels)(voice, spec, state);
  if (!Number.isFinite(found.before) || !Number.isFinite(found.after)) refuse(voice, "endless");
  if (!(found.before >= NOISE * state.annual_margin)) refuse(voice, "no_profit");
  return found;
}

function liftWords(voice, state) {
  const much = significant(100 * state.lift, 4);
  if (state.reading !== "points")
    return voice.say("roi", state.reading, { much, times: significant(1 + state.lift, 6) });
  return voice.say("plurals", ends(Number(much), "points_more"), { much });
}

// Whose lifted rate would pass 1, so that nobody leaves; empty for nobody's.
function cutWords(voice, spec, state) {
  if (state.curve !== "own") return "";
  const { renewals, late, longest } = spec.fixed;
  const last = lastYear(voice, spec, state);
  const curve = staying(voice, spec, state, Math.min(last, longest || last));
  const over = rates(curve).map(
    (rate, year) => passesOne(state, rate) && (year === 0 || renewals === "every"),
  );
  const years = range(over.length, 1).filter((year) => over[year - 1]);
  if (!years.length) return "";
  const suffix = late ? "_late" : "";
  if (renewals === "every" && over.slice(years[0] - 1).every(Boolean))
    return voice.say("roi", "from_year" + suffix, { year: years[0] });
  const name = ends(years.length, "in_years" + suffix);
  return voice.say("plurals", name, { years: namedYears(voice, years) });
}

function lastYear(voice, spec, state) {
  const { firm_years: firm, first_margin: first, year, ages } = spec.fixed;
  if (BY_YEAR.includes(state.profit)) return (state.profit === "annual_profit" ? year : 0) + (firm || 0);
  const older = state.profit === "base_value" ? ages.length : 1;
  return bills(voice, spec, state) + (first === "now" ? 0 : 1) + older - 2;
}

function namedYears(voice, years) {
  const [low, high] = [years[0], years.at(-1)];
  const run = years.length > 2 && high - low === years.length - 1;
  return run ? voice.say("roi", "low_to_high", { low, high }) : voice.andList(years);
}

function claimLines(voice, spec, state) {
  const { say } = voice;
  const own = state.curve === "own";
  const rate = own ? spec.fixed.retained[1] : state.base_retention;
  const of100 = (value) => number(snap(100 * value), 0.1);
  const stay = { before: of100(rate), after: of100(lifted(state, rate)) };
  const kind = spec.fixed.renewals === "first" ? "first" : own ? "own" : "one";
  const cut = cutWords(voice, spec, state);
  const free = !(state.acquisition_cost || state.retention_cost);
  return [
    say("claim", "read", { lift: liftWords(voice, state) }),
    say("claim", "stay_" + kind, stay),
    ...(cut ? [say("claim", "cut", { cut })] : []),
    ...(free ? [say("claim", "no_costs")] : []),
  ];
}

function claimAnswer(voice, spec, state) {
  const { target } = spec.fixed;
  let found;
  try {
    found = levels(voice, spec, state);
  } catch (error) {
    if (!(error instanceof NotDefined)) throw error;
    const said = voice.say("claim", "refused", { reason: error.message });
    const read = voice.say("claim", "read", { lift: liftWords(voice, state) });
    return { headline: said, lines: [read], caption: "", numbers: { uplift: null } };
  }
  const uplift = found.after / found.before - 1;
  const numbers = { ...found, uplift, claimed: found.before * (1 + target) };
  const unit = state.curve === "own" ? spec.units[state.reading] : 0.001;
  const off = Math.abs(uplift - target);
  const much = voice.percent(snap(Math.abs(uplift)), ENOUGH < off && off < unit ? 1e-5 : unit);
  const kind = uplift >= target - ENOUGH ? "reached" : uplift >= 0 ? "missed" : "lower";
  const profit = voice.say("options", state.profit, { year: spec.fixed.year });
  const claimed = voice.share(target);
  return {
    headline: voice.say("claim", kind, { profit, share: much, target: claimed }),
    lines: claimLines(voice, spec, state),
    caption: voice.say("claim", BY_YEAR.includes(state.profit) ? "caption_by_year" : "caption", {
      target: claimed,
      before: voice.amount(found.before),
      after: voice.amount(found.after),
      claimed: voice.amount(numbers.claimed),
    }),
    numbers,
  };
}
