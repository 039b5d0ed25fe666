import { type Command, exitCodes, integerOption } from '../command.ts';
import { apiOf, apiOptions, NobodyAnswers } from '../search/api.ts';
import { lineOf, lookOf, lookOptions } from '../search/look.ts';
import { tailOf } from '../search/tail-stream.ts';
import { tellTail } from '../search/tell-tail.ts';
import { nobodyAnswers } from './search.ts';

export const tail: Command = {
  name: 'tail',
  summary: 'Show what arrives, as it arrives, until Ctrl-C.',
  usage: "tail ['QUERY'] [--since TIME] [--rate N] [--json]",
  details:
    'Events come in the order in which they arrive. A connection that breaks is made again where it broke, and what is\n' +
    'left out for being too much is counted on stderr (docs/live-tail.md).',
  options: {
    since: { type: 'string', value: 'TIME', help: 'Begin with what arrived since then: now-5m, ISO 8601.' },
    rate: { type: 'string', value: 'N', help: 'Events a second at most; of more, the newest are shown.' },
    stream: { type: 'string', value: 'NAME', help: 'One stream (default: all).' },
    ...lookOptions,
    ...apiOptions,
  },
  positionals: { min: 0, max: 1 },
  examples: [
    "./millrace tail 'level:error'",
    "./millrace tail 'tag:app.shop.*' --since now-5m --json | jq -r .message",
  ],
  exits: [
    [1, 'the tail was refused'],
    [3, 'no search API answers there'],
  ],
  async run(context, parsed) {
    const { since, stream } = parsed.strings;
    const rate = parsed.strings.rate === undefined ? undefined : integerOption(parsed, 'rate', 1, 10_000);
    const look = lookOf(context, parsed);
    const parameters = { q: parsed.positionals[0] ?? '', since, stream, rate };
    try {
      for await (const message of tailOf(apiOf(context, parsed), parameters, context.clock)) {
        if (message.type === 'hits') context.stdout(message.hits.map((hit) => lineOf(hit, look)).join(''));
        else tellTail(context, message);
      }
    } catch (error) {
      if (!(error instanceof NobodyAnswers)) throw error;
      return nobodyAnswers(context, error);
    }
    return exitCodes.ok;
  },
};
