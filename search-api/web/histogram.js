import { countText, element, svgElement } from './dom.js';
import { axisTime, clockTime, shortDate, widthText } from './time.js';

/** @typedef {import('./api.js').Histogram} Histogram */

const height = 84;
const axisHeight = 18;
/** A drag below so many pixels is a click. */
const dragMin = 4;

/**
 * Draws into `host`; drag selects a stretch, a click selects one bar.
 * @param {HTMLElement} host
 * @param {(fromMs: number, toMs: number) => void} onSelect
 */
export function createHistogram(host, onSelect) {
  const tip = element('div', { class: 'tip', hidden: '' });
  /** @type {Histogram | undefined} */
  let shown;
  const draw = () => {
    if (shown === undefined) return;
    tip.setAttribute('hidden', '');
    host.replaceChildren(chart(shown, host.clientWidth, tip, onSelect), tip);
  };
  new ResizeObserver(draw).observe(host);
  return {
    /** @param {Histogram} histogram */
    show(histogram) {
      shown = histogram;
      draw();
    },
  };
}

/**
 * @param {Histogram} histogram
 * @param {number} width
 * @param {HTMLElement} tip
 * @param {(fromMs: number, toMs: number) => void} onSelect
 */
function chart(histogram, width, tip, onSelect) {
  const { buckets, interval_ms: intervalMs } = histogram;
  const firstMs = Date.parse(buckets[0]?.from ?? histogram.from);
  const endMs = firstMs + Math.max(1, buckets.length) * intervalMs;
  const max = Math.max(1, ...buckets.map((bucket) => bucket.count));
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const barWidth = width / Math.max(1, buckets.length);
  const plot = height - axisHeight;
  const svg = svgElement('svg', {
    width,
    height,
    role: 'img',
    'aria-label': `${countText(total)} events, in bars of ${widthText(intervalMs)}; at most ${countText(max)} in one`,
  });
  for (const fraction of [0.5, 1])
    svg.append(
      svgElement('line', {
        class: 'grid',
        x1: 0,
        x2: width,
        y1: plot * (1 - fraction) + 0.5,
        y2: plot * (1 - fraction) + 0.5,
      }),
    );
  for (const [i, { count }] of buckets.entries()) {
    if (count === 0) continue;
    const barHeight = Math.max(2, (count / max) * (plot - 6));
    const gap = barWidth > 4 ? 1 : 0;
    svg.append(
      svgElement('rect', {
        class: 'bar',
        x: i * barWidth,
        y: plot - barHeight,
        width: Math.max(1, barWidth - gap),
        height: barHeight,
        rx: gap,
      }),
    );
  }
  svg.append(svgElement('line', { class: 'axis', x1: 0, x2: width, y1: plot + 0.5, y2: plot + 0.5 }));
  svg.append(...ticks(firstMs, endMs, width));
  if (total > 0) svg.append(svgElement('text', { class: 'max', x: 4, y: 12 }, countText(max)));
  selection(svg, { width, plot, firstMs, intervalMs, buckets, tip, onSelect });
  return svg;
}

/**
 * @param {number} firstMs
 * @param {number} endMs
 * @param {number} width
 */
function ticks(firstMs, endMs, width) {
  const count = Math.max(2, Math.min(8, Math.floor(width / 120)));
  return Array.from({ length: count }, (_, i) => {
    const fraction = (i + 0.5) / count;
    const date = new Date(firstMs + fraction * (endMs - firstMs));
    const text = axisTime(date, endMs - firstMs);
    return svgElement(
      'text',
      { class: 'tick', x: fraction * width, y: height - 4, 'text-anchor': 'middle' },
      text,
    );
  });
}

/**
 * @param {Element} svg
 * @param {{width: number, plot: number, firstMs: number, intervalMs: number, buckets: Histogram['buckets'],
 *   tip: HTMLElement, onSelect: (fromMs: number, toMs: number) => void}} chart
 */
function selection(svg, { width, plot, firstMs, intervalMs, buckets, tip, onSelect }) {
  const brush = svgElement('rect', { class: 'brush', y: 0, height: plot, width: 0 });
  svg.append(brush);
  /** @type {number | undefined} */
  let start;
  const place = (/** @type {Event} */ event) => {
    const x = /** @type {PointerEvent} */ (event).clientX - svg.getBoundingClientRect().left;
    return Math.min(width, Math.max(0, x));
  };
  const bucketAt = (/** @type {number} */ x) =>
    Math.min(buckets.length - 1, Math.floor((x / width) * buckets.length));
  svg.addEventListener('pointerdown', (event) => {
    if (/** @type {PointerEvent} */ (event).button !== 0 || buckets.length === 0) return;
    start = place(event);
    svg.setPointerCapture(/** @type {PointerEvent} */ (event).pointerId);
  });
  svg.addEventListener('pointermove', (event) => {
    const x = place(event);
    const bucket = buckets[bucketAt(x)];
    if (bucket !== undefined) showTip(tip, bucket, intervalMs, x, width);
    if (start === undefined) return;
    brush.setAttribute('x', String(Math.min(start, x)));
    brush.setAttribute('width', String(Math.abs(x - start)));
  });
  svg.addEventListener('pointerup', (event) => {
    if (start === undefined) return;
    const [low, high] = [Math.min(start, place(event)), Math.max(start, place(event))];
    start = undefined;
    brush.setAttribute('width', '0');
    const first = bucketAt(low);
    // A drag that ends at the edge of a bar does not take in the next one.
    const last = high - low < dragMin ? first : bucketAt(Math.max(low, high - 1));
    onSelect(firstMs + first * intervalMs, firstMs + (last + 1) * intervalMs - 1);
  });
  svg.addEventListener('pointercancel', () => {
    start = undefined;
    brush.setAttribute('width', '0');
  });
  svg.addEventListener('pointerleave', () => tip.setAttribute('hidden', ''));
}

/**
 * @param {HTMLElement} tip
 * @param {Histogram['buckets'][number]} bucket
 * @param {number} intervalMs
 * @param {number} x
 * @param {number} width
 */
function showTip(tip, bucket, intervalMs, x, width) {
  const from = new Date(bucket.from);
  const time = intervalMs < 1000 ? clockTime(from) : clockTime(from).slice(0, 8);
  tip.replaceChildren(
    element('strong', {}, countText(bucket.count)),
    ` from ${shortDate(from)} ${time} for ${widthText(intervalMs)}`,
  );
  tip.removeAttribute('hidden');
  tip.style.left = `${Math.min(Math.max(0, x - tip.offsetWidth / 2), width - tip.offsetWidth)}px`;
}
