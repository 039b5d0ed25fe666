/** What the page shows; all of it is in the address, so that a link restores it. */
export interface View {
  q: string;
  from: string;
  to: string;
  sort: 'desc' | 'asc';
  source: 'auto' | 'hot' | 'archive';
  stream: string;
  /** Fields that have a column of their own; undefined: the usual ones. */
  columns: readonly string[] | undefined;
  tab: Tab;
  live: boolean;
  /** Id of the event whose surroundings are shown. */
  context: string;
  /** Id of the event that is open, so that a link can point at a line. */
  open: string;
  /** What `compare` compares with: `previous`, or from..to. */
  baseline: string;
}

export const tabs = ['events', 'patterns', 'compare', 'alerts'] as const;
export type Tab = (typeof tabs)[number];

export const usualView: View = {
  q: '',
  from: 'now-15m',
  to: '*',
  sort: 'desc',
  source: 'auto',
  stream: '',
  columns: undefined,
  tab: 'events',
  live: false,
  context: '',
  open: '',
  baseline: 'previous',
};

/** Reads what `viewText` wrote; what cannot be understood is as usual. */
export function parseView(search: string): View {
  const parameters = new URLSearchParams(search);
  const text = (name: string, usual: string) => parameters.get(name) ?? usual;
  const one = <T extends string>(name: string, known: readonly T[], usual: T): T =>
    known.find((item) => item === parameters.get(name)) ?? usual;
  const columns = parameters.get('cols');
  return {
    q: text('q', usualView.q),
    from: text('from', '') || usualView.from,
    to: text('to', '') || usualView.to,
    sort: one('sort', ['desc', 'asc'], usualView.sort),
    source: one('source', ['auto', 'hot', 'archive'], usualView.source),
    stream: text('stream', usualView.stream),
    columns: columns === null ? undefined : listOf(columns),
    tab: one('view', tabs, usualView.tab),
    live: parameters.get('live') === '1',
    context: text('context', usualView.context),
    open: text('open', usualView.open),
    baseline: text('with', '') || usualView.baseline,
  };
}

/** Names between commas; one in a name has a backslash before it. */
function listOf(text: string): string[] {
  return [...text.matchAll(/(?:[^,\\]|\\.?)+/gs)].map(([name]) => name.replaceAll(/\\(.)/gs, '$1'));
}

/** The part of the address behind the path; empty for the usual view. */
export function viewText(view: View): string {
  const parameters = new URLSearchParams();
  const set = (name: string, value: string, usual: string) => {
    if (value !== usual) parameters.set(name, value);
  };
  set('q', view.q, usualView.q);
  set('from', view.from, usualView.from);
  set('to', view.to, usualView.to);
  set('sort', view.sort, usualView.sort);
  set('source', view.source, usualView.source);
  set('stream', view.stream, usualView.stream);
  if (view.columns !== undefined)
    parameters.set('cols', view.columns.map((name) => name.replaceAll(/[\\,]/g, '\\$&')).join(','));
  set('view', view.tab, usualView.tab);
  set('live', view.live ? '1' : '0', '0');
  set('context', view.context, usualView.context);
  set('open', view.open, usualView.open);
  set('with', view.baseline, usualView.baseline);
  const search = parameters.toString();
  return search === '' ? '' : `?${search}`;
}

/** True when both ask the server the same question, whatever else they show. */
export function asksTheSame(a: View, b: View): boolean {
  return (
    a.q === b.q &&
    a.from === b.from &&
    a.to === b.to &&
    a.sort === b.sort &&
    a.source === b.source &&
    a.stream === b.stream
  );
}
