import type { ReadGroup } from '../pipeline.ts';
import { readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { hash, integer, near, readValue, regexp, time } from '../values.ts';
import { translated } from './parse-common.ts';
import { type Context, optional, type Table, withDefault } from './plugin.ts';

const containerNames =
  '^/var/log/containers/(?<podname>[a-z0-9]([-a-z0-9]*[a-z0-9])?(/[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)_' +
  '(?<namespace>[^_]+)_(?<container>.+)-(?<docker_id>[a-z0-9]{64})\\.log$';

export const groupTable = {
  title: '<group> of <source> @type tail',
  doc: 'How many lines groups of files may yield. What is over a limit waits in its files.',
  params: {
    pattern: optional(
      regexp,
      "names of Kubernetes' containers: `podname`, `namespace`, `container`, `docker_id`",
      'What is taken from the path of a file, as named captures.',
    ),
    rate_period: withDefault(time(100, 86_400_000), 5_000, 'The time that limits are for.'),
  },
  sections: ['rule'],
  repeatable: ['rule'],
} satisfies Table;

export const groupRuleTable = {
  title: '<rule> of <group>',
  doc: 'A group: the files whose captures all match. Of several rules, the one that asks for more captures holds.',
  params: {
    match: optional(hash, 'every file', 'Captures and expressions: `{"namespace": "/^shop$/"}`.'),
    limit: withDefault(
      integer(-1, 1_000_000_000),
      -1,
      'Lines that the group may yield in a `rate_period`, those that filters drop not counted; -1: any number.',
    ),
  },
} satisfies Table;

/** The rate limits of a source's files by what their paths say. */
export function compileGroup(section: ConfigSection, context: Context): ReadGroup {
  const { settings } = readSection(section, groupTable, context);
  const ruby = settings.pattern ?? { source: containerNames, flags: '' };
  const pattern = translated(section, 'pattern', ruby, 'line', context);
  const rules = section.children
    .filter((child) => child.name === 'rule')
    .map((child) => compileRule(child, pattern.groups, context));
  if (rules.length === 0) throw configError(section, '<rule>: required in <group>');
  rules.sort((a, b) => b.match.length - a.match.length);
  return { pattern: pattern.compiled, ratePeriodMs: settings.rate_period, rules };
}

function compileRule(
  section: ConfigSection,
  captures: string[],
  context: Context,
): ReadGroup['rules'][number] {
  const { settings } = readSection(section, groupRuleTable, context);
  const param = section.params.get('match');
  const match = [...(settings.match ?? [])].map(([name, text]): [string, RegExp] => {
    const place = param ?? section;
    if (!captures.includes(name))
      throw configError(place, `match: the pattern captures no "${name}"${near(name, captures)}`);
    const ruby = readValue(regexp, 'match', {
      file: place.file,
      line: place.line,
      value: text,
      quoted: false,
    });
    return [name, translated(section, 'match', ruby, 'line', context).compiled];
  });
  return { match, limit: settings.limit };
}
