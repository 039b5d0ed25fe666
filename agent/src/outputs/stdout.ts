import { once } from 'node:events';
import type { Output } from '../config/pipeline.ts';
import type { OutputPlugin, Table } from '../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';
import { compileFormat } from '../format/formatters.ts';
import { compileInject } from '../format/inject.ts';
import { FileSender, type WriteEvents } from '../ship/file-sender.ts';
import { waitingOf, waitingParams } from './waiting.ts';

const table = {
  title: '<match> @type stdout',
  doc: 'Writes events to standard output, to look at them. The own log goes to standard error.',
  params: { ...waitingParams },
  notApplicable: { use_logger: 'events go to standard output, the log to standard error' },
  sections: ['buffer', 'format', 'inject'],
  sectionsNotApplicable: { secondary: 'what cannot be written is written again' },
} satisfies Table;

export const stdout: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const formatSection = childSection(section, 'format') ?? {
      ...section,
      name: 'format',
      params: new Map([['@type', { ...section, value: 'stdout', quoted: false }]]),
      children: [],
    };
    const format = compileFormat(formatSection, context);
    const inject = compileInject(childSection(section, 'inject'), context);
    const waiting = waitingOf(section, settings, given, context);
    const write: WriteEvents = async (events, signal) => {
      listenForErrors();
      // What the run before has left there is not written a second time while its reader does not read.
      await orAborted(underWay, signal);
      let text = '';
      for (const event of events) text += format(event, inject(event));
      await orAborted(writeOut(text), signal);
    };
    const output: Output = {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'stdout',
      ...waiting,
      describe: () => [['writes to', 'standard output']],
      createSender(sending) {
        return new FileSender(this.id, waiting, write, sending);
      },
    };
    return output;
  },
};

/** What was written last; a pipe is written to in its reader's time, and a reader may stop reading for ever. */
let underWay: Promise<void> = Promise.resolve();

/** Resolves when the reader has it. @throws when the reader has gone */
function writeOut(text: string): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
  underWay = written.catch(() => {});
  return written;
}

/** @throws the signal's reason when it comes first */
async function orAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  const finished = new AbortController();
  try {
    const stop = once(signal, 'abort', { signal: finished.signal }).then(() => signal.throwIfAborted());
    await Promise.race([done, stop]);
  } finally {
    finished.abort();
  }
}

let listening = false;

/** A reader that has gone is an error of each write: told there, it must not end the process. */
function listenForErrors(): void {
  if (!listening) process.stdout.on('error', () => {});
  listening = true;
}
