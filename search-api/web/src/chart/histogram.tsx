import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Histogram } from '../api/types.ts';
import { theme } from '../shell/theme.ts';
import { histogram, total } from '../state/histogram.ts';
import { go } from '../state/view.ts';
import { countText, fullTime, spanText } from '../time/format.ts';
import { iso } from '../time/ranges.ts';
import { manner, t } from '../words/words.ts';
import { drawPlot } from './plot.ts';
import { stackOf } from './stack.ts';

/** The bar below the pointer, and where that is. */
interface Point {
  bucket: number;
  left: number;
}

/** The stretch that is marked by keys: buckets, the second one moves. */
interface Brush {
  from: number;
  to: number;
}

/** Events over time. Drag or click to look closer; with the keyboard: arrows, Shift for a stretch, Enter. */
export function HistogramChart() {
  const host = useRef<HTMLDivElement>(null);
  const point = useSignal<Point | undefined>(undefined);
  const brush = useSignal<Brush | undefined>(undefined);
  const shown = histogram.value;
  usePlot(host, point, brush);
  const counted = total.value?.value ?? 0;
  return (
    <section
      class="histogram"
      role="application"
      aria-roledescription={t('histogram.role')}
      aria-label={t('histogram.label', { count: countText(counted, manner.value) })}
      tabIndex={0}
      onKeyDown={(event) => shown !== undefined && brushed(event, shown, brush)}
      onBlur={() => {
        point.value = undefined;
      }}
    >
      <div ref={host} class="plot" />
      {shown !== undefined && point.value !== undefined && (
        <Tip
          histogram={shown}
          bucket={point.value.bucket}
          left={point.value.left}
          width={host.current?.clientWidth ?? 0}
        />
      )}
      <p class="sr" aria-live="polite">
        {shown !== undefined && brush.value !== undefined && tipText(shown, brush.value.to)}
      </p>
    </section>
  );
}

/** Draws the bars anew for other counts, another width, language or theme; and what is marked by keys. */
function usePlot(
  host: { current: HTMLDivElement | null },
  point: Signal<Point | undefined>,
  brush: Signal<Brush | undefined>,
): void {
  const plot = useRef<uPlot | undefined>(undefined);
  const shown = histogram.value;
  useEffect(() => {
    const element = host.current;
    if (element === null || shown === undefined) return undefined;
    let width = 0;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      plot.current?.destroy();
      plot.current = drawPlot({
        histogram: shown,
        host: element,
        manner: manner.value,
        onSelect: zoomTo,
        onPoint: (bucket, left) => {
          point.value =
            bucket === undefined || shown.buckets[bucket] === undefined ? undefined : { bucket, left };
        },
      });
    });
    observer.observe(element);
    brush.value = undefined;
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shown, manner.value, theme.value]);

  useEffect(() => {
    const { value } = brush;
    const current = plot.current;
    if (current === undefined || shown === undefined) return;
    if (value === undefined) {
      current.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      return;
    }
    const position = (bucket: number) => current.valToPos(startOf(shown, bucket) / 1000, 'x');
    const left = position(Math.min(value.from, value.to));
    const width = position(Math.max(value.from, value.to) + 1) - left;
    current.setSelect({ left, width, top: 0, height: current.over.clientHeight }, false);
    point.value = { bucket: value.to, left: position(value.to) };
  }, [brush.value]);
}

/** Arrows move, with Shift they mark a stretch, Enter looks closer, Escape unmarks. */
function brushed(event: KeyboardEvent, shown: Histogram, brush: Signal<Brush | undefined>): void {
  const last = shown.buckets.length - 1;
  if (last < 0) return;
  const at = brush.value ?? { from: last, to: last };
  const next = { ArrowLeft: at.to - 1, ArrowRight: at.to + 1, Home: 0, End: last }[event.key];
  if (next !== undefined) {
    const to = Math.max(0, Math.min(last, brush.value === undefined && event.key !== 'Home' ? last : next));
    brush.value = { from: event.shiftKey ? at.from : to, to };
  } else if (event.key === 'Enter' && brush.value !== undefined)
    zoomTo(startOf(shown, Math.min(at.from, at.to)), startOf(shown, Math.max(at.from, at.to) + 1) - 1);
  else if (event.key === 'Escape' && brush.value !== undefined) brush.value = undefined;
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function Tip({
  histogram: shown,
  bucket,
  left,
  width,
}: {
  histogram: Histogram;
  bucket: number;
  left: number;
  width: number;
}) {
  const tones = stackOf(shown).counts[bucket] ?? {};
  const item = shown.buckets[bucket];
  if (item === undefined) return null;
  return (
    <div
      class="tip"
      aria-hidden="true"
      style={left > width / 2 ? { right: `${width - left - 30}px` } : { left: `${left + 62}px` }}
    >
      <b>{countText(item.count, manner.value)}</b>{' '}
      <span class="muted">
        {fullTime(item.from, manner.value)} + {spanText(shown.interval_ms, manner.value)}
      </span>
      {item.by !== undefined && (
        <div class="tip-levels">
          {Object.entries(tones).map(([tone, count]) => (
            <span key={tone}>
              <i class={`swatch ${tone}`} /> {t(`tone.${tone as keyof typeof tones}`)}{' '}
              {countText(count ?? 0, manner.value)}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

function tipText(shown: Histogram, bucket: number): string {
  const item = shown.buckets[bucket];
  if (item === undefined) return '';
  return `${fullTime(item.from, manner.value)}: ${t('events', { count: countText(item.count, manner.value) })}`;
}

function startOf({ buckets, interval_ms: intervalMs, from }: Histogram, bucket: number): number {
  return Date.parse(buckets[0]?.from ?? from) + bucket * intervalMs;
}

function zoomTo(fromMs: number, toMs: number): void {
  go({ from: iso(fromMs), to: iso(toMs), live: false });
}
