// Numbers as the package writes them: the same digits, whatever the language.

// A number without the noise of arithmetic, so that a half is one everywhere.
const snap = (value) => Number(value.toPrecision(12));

// Decimals of the exact value; where two are as near, the even one, which toFixed does not take.
function fixed(value, decimals) {
  const text = Math.abs(value).toFixed(decimals);
  const exact = Math.abs(value).toFixed(Math.min(100, decimals + 40));
  const rest = exact.slice(exact.indexOf(".") + 1 + decimals);
  const odd = Number(text.at(-1)) % 2 === 1;
  const half = rest[0] === "5" && !/[1-9]/.test(rest.slice(1));
  const step = Number("1e-" + decimals);
  const even = half && odd ? (Math.abs(value) - step / 2).toFixed(decimals) : text;
  return (value < 0 ? "-" : "") + even;
}

function grouped(text) {
  const [whole, ...rest] = text.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

// Rounded to a unit that is a power of ten, with thousands separators.
function number(value, unit) {
  const decimals = Math.max(0, -Math.round(Math.log10(unit)));
  const rounded = unit > 1 ? Number(fixed(value / unit, 0)) * unit : value;
  const text = fixed(rounded, decimals);
  return grouped(Number(text) === 0 ? text.replace("-", "") : text);
}

// So many significant digits, and no zeros at the end.
const significant = (value, digits) => String(Number(value.toPrecision(digits)));

// Fill the named places of a sentence; what is put in is never read as a place.
const fill = (message, values) =>
  message.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));

// Words of one panel: `say` and what is written with them.
function speaker(words) {
  const say = (room, name, values = {}) => fill(words[room][name], values);
  const percent = (value, unit) =>
    say("roi", "percent", { number: number(100 * value, 100 * unit) });
  const share = (value) =>
    say("roi", "percent", { number: significant(snap(100 * value), 3) });
  const points = (value) => {
    const text = number(snap(100 * value), 0.01).replace(/\.?0+$/, "");
    return say("plurals", text === "1" ? "points_one" : "points", { number: text });
  };
  const inCurrency = (digits) => fill(words.money, { digits });
  const amount = (raw) => {
    const value = snap(raw);
    const scale = Math.abs(value) / 10;
    const power = scale > 0 ? Math.floor(Math.log10(scale) + 1e-9) : 0;
    return inCurrency(number(value, Math.max(Number("1e" + power), 0.01)));
  };
  const andList = (list) =>
    list.length < 2
      ? list.join("")
      : say("roi", "and_last", {
          head: list.slice(0, -1).join(words.roi.comma),
          last: list.at(-1),
        });
  return { say, percent, share, points, amount, inCurrency, andList };
}
