import { MillraceError } from '@millrace/core/errors.ts';
import { type LoadEnvironment, loadPipeline } from './load.ts';
import type { KinesisOutput, Pipeline } from './pipeline.ts';

interface TestConfig {
  /** Files by path, besides the configuration itself, which is `/etc/agent.conf`. */
  files?: Record<string, string>;
  env?: Record<string, string>;
}

/** A `<match>` of every tag. */
export const matchText = '<match **>\n@type kinesis_streams\nstream_name s\nregion r\n</match>';

/** A source with these lines in it (from line 5), and a match; `parse` are the lines of its `<parse>`. */
export function sourceText(lines: string, parse = '@type none'): string {
  return `<source>\n@type tail\npath /a.log\ntag t\n${lines}\n<parse>\n${parse}\n</parse>\n</source>\n${matchText}`;
}

/** A source of tag `t`, and an output for it with these lines in it (from line 13). */
export function outputText(lines: string): string {
  const source = '<source>\n@type tail\npath /a.log\ntag t\n<parse>\n@type none\n</parse>\n</source>';
  return `${source}\n<match t>\n@type kinesis_streams\nstream_name s\nregion r\n${lines}\n</match>`;
}

/** An environment whose files are in memory; a pattern matches by its text before the first `*`. */
export function testEnvironment(text: string, { files = {}, env = {} }: TestConfig = {}): LoadEnvironment {
  const all: Record<string, string> = { '/etc/agent.conf': text, ...files };
  return {
    env,
    hostname: 'web-1',
    timeZone: 'Asia/Seoul',
    readFile(path) {
      const found = Object.hasOwn(all, path) ? all[path] : undefined;
      if (found !== undefined) return found;
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
    glob: (pattern) => Object.keys(all).filter((path) => path.startsWith(pattern.split('*')[0] ?? '')),
  };
}

export function loadText(text: string, config: TestConfig = {}): Pipeline {
  return loadPipeline('/etc/agent.conf', testEnvironment(text, config));
}

/** The first output, which is one of `@type kinesis_streams`. */
export function kinesisOf({ outputs }: Pipeline): KinesisOutput {
  const [output] = outputs;
  if (output?.type !== 'kinesis_streams') throw new Error('the first output is no kinesis_streams');
  return output as KinesisOutput;
}

/** The message of the CONFIG_INVALID that `work` throws. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
