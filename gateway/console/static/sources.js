/* The sources panel: how each source does, and, in a demo, buttons that make one fail. */

const QUERY = `{
  sources {
    name vendor
    circuit { reads writes retryInMs }
    queue { running waiting concurrency }
    latency { p50Ms p99Ms calls failures retries refused }
    limits { name limit remaining resetsInMs }
    lastError { code at }
  }
}`;
const EVERY_MS = 2000;
const WIDE = '(min-width: 60rem)';
const FIRST = [
  ['down', 'Down', {}],
  ['latency', 'Slow 4 s', { seconds: 4 }],
  ['hang', 'Hang', {}],
  ['500', '500', {}],
];
const MORE = [
  ['503', '503', {}],
  ['429', '429', {}],
  ['dead', 'Reset', {}],
  ['garbage', 'Garbage', {}],
  ['html', 'HTML', {}],
  ['wrong-shape', 'Wrong shape', {}],
  ['truncated', 'Truncated', {}],
  ['huge', 'Endless', {}],
  ['flaky', 'Flaky 30 %', { percent: 30 }],
  ['slow-drip', 'Drip', {}],
  ['late', 'Late', {}],
];

const at = (id) => document.getElementById(id);
const opening = await (await fetch('/console/opening.json')).json();
const cards = new Map();
let round = 0; // an older round never draws over a newer one

const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/* ------------------------------------------------------------------------------------------------ what is known */

const ask = async () => {
  const token = opening.tokens[at('role').value];
  const answer = await fetch(opening.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query: QUERY }),
  });
  return answer.json();
};

/* The sources as the graph tells them, and why it does not, where it does not. */
const reported = async () => {
  try {
    const { data, errors = [] } = await ask();
    if (data?.sources) return { sources: data.sources, note: '' };
    const unknown = errors.some((error) => error.extensions?.code === 'UNAUTHENTICATED');
    const who = unknown ? 'Without a token' : `As ${at('role').selectedOptions[0]?.text ?? 'this caller'}`;
    return { sources: [], note: `${who} you are told nothing of how the sources do.` };
  } catch {
    return { sources: [], note: 'The gateway does not answer.' };
  }
};

const played = async (order) => {
  if (!opening.chaos) return [];
  const send = order && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(order) };
  const answer = await fetch(opening.chaos, send);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said.sources;
};

/* ----------------------------------------------------------------------------------------------------- one card */

const milliseconds = (value) => (value == null ? '–' : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
const word = (state) => String(state ?? '').toLowerCase().replaceAll('_', ' ');
const worst = (circuit) =>
  ['open', 'half open', 'closed'].find((state) => [word(circuit.reads), word(circuit.writes)].includes(state)) ?? '';
const TONES = { open: 'bad', 'half open': 'warn', closed: 'good' };

const circuitOf = (source) => {
  if (!source?.circuit) return '';
  const state = worst(source.circuit);
  const wait = source.circuit.retryInMs;
  return state === 'open' && wait != null ? `open, probe in ${Math.ceil(wait / 1000)} s` : state;
};

const scarcest = (limits) =>
  [...(limits ?? [])].sort((one, other) => one.remaining / one.limit - other.remaining / other.limit)[0];

const counted = ({ calls, failures, retries, refused }) => {
  const told = [[failures, 'failed'], [retries, 'tried again'], [refused, 'refused unsent']];
  return [calls ?? 0, ...told.filter(([count]) => count).map(([count, what]) => `${count} ${what}`)].join(', ');
};

const facts = (source) => {
  const { latency = {}, queue = {}, lastError } = source;
  const limit = scarcest(source.limits);
  return {
    'p50 / p99': `${milliseconds(latency?.p50Ms)} / ${milliseconds(latency?.p99Ms)}`,
    calls: counted(latency ?? {}),
    queue: `${queue?.running ?? 0} of ${queue?.concurrency ?? '–'} run, ${queue?.waiting ?? 0} wait`,
    quota: limit ? `${limit.remaining.toLocaleString('en')} of ${limit.limit.toLocaleString('en')} left (${limit.name})` : '–',
    'last error': lastError ? `${lastError.code}, ${new Date(lastError.at).toLocaleTimeString()}` : 'none',
  };
};

const card = (name) => {
  const parts = {
    vendor: made('small'),
    circuit: made('strong'),
    facts: made('dl'),
    faults: made('fieldset', { className: 'faults', hidden: true }),
    playing: made('span'),
    buttons: new Map(),
  };
  const button = ([fault, label, more]) => {
    const element = made('button', { type: 'button', textContent: label });
    element.addEventListener('click', () => press(name, fault, more));
    parts.buttons.set(fault, element);
    return element;
  };
  const more = made('details', {}, made('summary', { textContent: 'More faults' }), made('div', {}, ...MORE.map(button)));
  parts.faults.append(made('legend', {}, 'Have it fail: ', parts.playing), ...FIRST.map(button), more);
  parts.element = made('article', { className: 'source' }, made('h3', {}, name, parts.vendor, parts.circuit), parts.facts, parts.faults);
  parts.element.dataset.source = name;
  cards.set(name, parts);
  at('sources-list').append(parts.element);
  return parts;
};

const drawFaults = (parts, state) => {
  parts.faults.hidden = !state;
  if (!state) return;
  const ends = state.endsIn == null ? '' : ` for ${Math.ceil(state.endsIn)} s`;
  parts.playing.textContent = state.fault === 'off' ? 'not now' : `${state.text}${ends}`;
  for (const [fault, button] of parts.buttons) button.ariaPressed = String(state.fault === fault);
};

const drawFacts = (parts, source) => {
  parts.facts.hidden = !source;
  parts.circuit.textContent = circuitOf(source) && `circuit ${circuitOf(source)}`;
  parts.element.dataset.tone = source?.circuit ? TONES[worst(source.circuit)] : '';
  if (!source) return;
  parts.vendor.textContent = source.vendor ?? '';
  parts.facts.replaceChildren(
    ...Object.entries(facts(source)).flatMap(([name, value]) => [
      made('dt', { textContent: name }),
      made('dd', { textContent: value }),
    ]),
  );
};

/* ------------------------------------------------------------------------------------------------ the whole panel */

let before = '';
const draw = (sources, states, note) => {
  const told = new Map(sources.map((source) => [source.name, source]));
  const playing = new Map(states.map((state) => [state.source, state]));
  for (const name of [...new Set([...told.keys(), ...playing.keys()])].sort()) {
    const parts = cards.get(name) ?? card(name);
    drawFacts(parts, told.get(name));
    drawFaults(parts, playing.get(name));
  }
  at('sources-note').textContent = note;
  at('sources-note').hidden = !note;
  const open = sources.filter((source) => source.circuit && worst(source.circuit) !== 'closed').map((source) => source.name);
  at('sources-sum').textContent = open.length ? `· ${open.length} not closed` : '';
  const now = open.join(', ');
  if (now !== before) at('sources-live').textContent = now ? `Circuit open: ${now}` : 'Every circuit is closed';
  before = now;
};

const refresh = async () => {
  const mine = ++round;
  const [{ sources, note }, states] = await Promise.all([reported(), played().catch(() => [])]);
  if (mine === round) draw(sources, states, note);
};

const press = async (name, fault, more) => {
  const pressed = cards.get(name).buttons.get(fault).ariaPressed === 'true';
  try {
    await played({ source: name, ...(pressed ? { fault: 'off' } : { fault, ...more }) });
    at('sources-live').textContent = pressed ? `${name}: no fault any more` : `${name}: ${fault}`;
  } catch (error) {
    at('sources-note').textContent = error.message;
    at('sources-note').hidden = false;
    return;
  }
  await refresh();
};

const show = (visible) => {
  at('sources').hidden = !visible;
  at('sources-toggle').ariaExpanded = String(visible);
  if (visible) refresh();
};

at('sources-toggle').addEventListener('click', () => show(at('sources').hidden));
at('role').addEventListener('change', () => at('sources').hidden || refresh());
setInterval(() => document.hidden || at('sources').hidden || refresh(), EVERY_MS);
show(Boolean(opening.chaos) && matchMedia(WIDE).matches);
