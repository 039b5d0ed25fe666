import type { PartStatus } from '../local/supervisor.ts';
import type { CliContext } from './command.ts';

/** Shows how the parts of a stack come up: redrawn lines on a terminal, one line per change elsewhere. */
export interface Progress {
  /** A line of its own, above the parts. */
  say(text: string): void;
  /** What happens right now; replaced by the next one. */
  now(text: string): void;
  parts(parts: PartStatus[]): void;
  /** Nothing is redrawn any more. */
  end(): void;
}

const marks = {
  waiting: '·',
  starting: '…',
  ready: '✓',
  restarting: '↻',
  stopping: '…',
  stopped: '·',
} as const;

export function createProgress(context: CliContext): Progress {
  return context.tty ? redrawing(context) : plain(context);
}

function redrawing(context: CliContext): Progress {
  let drawn = 0;
  let current: string | undefined;
  let last: PartStatus[] = [];
  const erase = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  const draw = (before = ''): void => {
    const lines = [...last.map(partLine), ...(current === undefined ? [] : [`  ${current.slice(0, 100)}`])];
    context.stderr(`${erase()}${before}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  return {
    say: (text) => draw(`${text}\n`),
    now(text) {
      current = text;
      draw();
    },
    parts(parts) {
      last = parts;
      current = undefined;
      draw();
    },
    end() {
      current = undefined;
      draw();
      drawn = 0;
      last = [];
    },
  };
}

function plain(context: CliContext): Progress {
  const shown = new Map<string, string>();
  let lastNow = '';
  return {
    say: (text) => context.stderr(`${text}\n`),
    now(text) {
      // Without a terminal a percentage a line would fill a CI log: only what is done is said, not how far.
      const what = text.split(': ')[0] ?? text;
      if (what !== lastNow) context.stderr(`${what}\n`);
      lastNow = what;
    },
    parts(parts) {
      for (const part of parts) {
        const line = partLine(part);
        if (part.state === 'waiting' || shown.get(part.name) === line) continue;
        shown.set(part.name, line);
        context.stderr(`${line}\n`);
      }
    },
    end: () => undefined,
  };
}

function partLine(part: PartStatus): string {
  const where = part.ports[0] === undefined ? '' : `127.0.0.1:${part.ports[0]}`;
  const note = part.note === undefined ? '' : `  ${part.note.slice(0, 120)}`;
  return `${marks[part.state]} ${part.name.padEnd(11)} ${part.state.padEnd(10)} ${where}${note}`.trimEnd();
}
