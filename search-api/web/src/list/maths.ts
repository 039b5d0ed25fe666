/**
 * Where rows lie in a list of many: all have one height but a few that are open, whose extra height was measured. So
 * a list of 100,000 rows costs what its open rows cost.
 */
export interface Layout {
  count: number;
  rowHeight: number;
  /** Extra pixels of open rows by index, in order of index. */
  extras: readonly (readonly [index: number, extra: number])[];
}

/** Where a row begins. */
export function topOf({ rowHeight, extras }: Layout, row: number): number {
  let top = row * rowHeight;
  for (const [index, extra] of extras) {
    if (index >= row) break;
    top += extra;
  }
  return top;
}

/** The row that lies at a height; the last one for heights behind it. */
export function rowAt(layout: Layout, y: number): number {
  const { count, rowHeight, extras } = layout;
  let above = 0;
  for (const [index, extra] of extras) {
    const top = index * rowHeight + above;
    if (y < top) break;
    // Within the open row, or in what it has below it.
    if (y < top + rowHeight + extra) return Math.min(index, count - 1);
    above += extra;
  }
  return Math.max(0, Math.min(count - 1, Math.floor((y - above) / rowHeight)));
}

export interface Slice {
  first: number;
  /** Exclusive. */
  end: number;
  /** Where the first one begins. */
  top: number;
}

/** The rows to draw for a window, with some more on both sides so that fast scrolling shows no gaps. */
export function sliceOf(layout: Layout, scrollTop: number, height: number, more: number): Slice {
  if (layout.count === 0) return { first: 0, end: 0, top: 0 };
  const first = Math.max(0, rowAt(layout, Math.max(0, scrollTop)) - more);
  const end = Math.min(layout.count, rowAt(layout, scrollTop + height) + 1 + more);
  return { first, end, top: topOf(layout, first) };
}

/** Where to scroll so that a row can be seen whole, moving as little as possible. */
export function scrollTo(layout: Layout, row: number, scrollTop: number, height: number, margin = 0): number {
  const top = topOf(layout, row);
  const bottom = top + layout.rowHeight;
  if (top - margin < scrollTop) return Math.max(0, top - margin);
  if (bottom + margin > scrollTop + height) return Math.max(0, bottom + margin - height);
  return scrollTop;
}
