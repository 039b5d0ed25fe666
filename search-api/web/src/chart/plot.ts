import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Histogram } from '../api/types.ts';
import { axisTime, type Manner, shortCount } from '../time/format.ts';
import { stackOf } from './stack.ts';

export interface PlotOptions {
  histogram: Histogram;
  host: HTMLElement;
  manner: Manner;
  onSelect(fromMs: number, toMs: number): void;
  onPoint(bucket: number | undefined, left: number): void;
}

/** Draws the bars; a drag selects a stretch, a click one bar. Colours are those of the theme that shows now. */
export function drawPlot({ histogram, host, manner, onSelect, onPoint }: PlotOptions): uPlot {
  const { times, layers } = stackOf(histogram);
  const intervalS = histogram.interval_ms / 1000;
  const first = times[0] ?? Date.parse(histogram.from) / 1000;
  const end = first + Math.max(1, times.length) * intervalS;
  const spanMs = (end - first) * 1000;
  const muted = colourOf(host, '--muted');
  const line = colourOf(host, '--line');
  const axis = { stroke: muted, font: '11px system-ui, sans-serif', ticks: { show: false } };
  return new uPlot(
    {
      width: host.clientWidth,
      height: host.clientHeight,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: true, range: () => [first, end] },
        y: { range: (_self, _min, max) => [0, Math.max(1, max * 1.04)] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 3,
          space: 90,
          grid: { show: false },
          values: (_self, splits) => splits.map((second) => axisTime(second * 1000, spanMs, manner)),
        },
        {
          ...axis,
          size: 46,
          gap: 4,
          space: 30,
          grid: { stroke: line, width: 1, dash: [2, 4] },
          values: (_self, splits) =>
            splits.map((value) => (Number.isInteger(value) ? shortCount(value, manner) : '')),
        },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
      },
      series: [
        {},
        ...layers.map(({ tone }) => ({
          fill: colourOf(host, `--bar-${tone}`),
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.86, 60], align: 1 }) ?? null,
        })),
      ] as uPlot.Series[],
      hooks: hooksOf(first, intervalS, { onSelect, onPoint }),
    },
    [times, ...layers.map(({ tops }) => tops)] as uPlot.AlignedData,
    host,
  );
}

/** What the pointer does: over a bar, across some, a click on one. */
function hooksOf(
  first: number,
  intervalS: number,
  { onSelect, onPoint }: Pick<PlotOptions, 'onSelect' | 'onPoint'>,
): uPlot.Hooks.Arrays {
  let selected = false;
  return {
    setCursor: [
      (self) => {
        const left = self.cursor.left ?? -1;
        onPoint(left < 0 ? undefined : Math.floor((self.posToVal(left, 'x') - first) / intervalS), left);
      },
    ],
    setSelect: [
      (self) => {
        if (self.select.width < 4) return;
        selected = true;
        const from = self.posToVal(self.select.left, 'x');
        const to = self.posToVal(self.select.left + self.select.width, 'x');
        self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        onSelect(from * 1000, to * 1000);
      },
    ],
    ready: [
      (self) => {
        self.over.addEventListener('pointerdown', () => {
          selected = false;
        });
        self.over.addEventListener('click', () => {
          const left = self.cursor.left ?? -1;
          if (selected || left < 0) return;
          const from = first + Math.floor((self.posToVal(left, 'x') - first) / intervalS) * intervalS;
          onSelect(from * 1000, (from + intervalS) * 1000 - 1);
        });
      },
    ],
  };
}

/** A colour of the style sheet, as canvas takes it. */
function colourOf(host: HTMLElement, name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
