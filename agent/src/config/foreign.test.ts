import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernOutput } from './flat-names.ts';
import { filters, outputs, sources } from './plugins/plugins.ts';
import { parseConfig } from './syntax/include.ts';
import type { ConfigSection } from './syntax/tree.ts';
import { loadText, matchText, outputText, refusal, sourceText, testEnvironment } from './testing.ts';

test('types of fluentd that the agent has not are refused with what to write instead', () => {
  for (const [registry, wrap] of [
    [sources, (type: string) => `<source>\n@type ${type}\n</source>\n${matchText}`],
    [filters, (type: string) => `${sourceText('')}\n<filter **>\n@type ${type}\n</filter>`],
    [outputs, (type: string) => outputText('').replace('kinesis_streams', type)],
  ] as const)
    for (const [type, instead] of Object.entries(registry.elsewhere ?? {})) {
      const message = refusal(() => loadText(wrap(type)));
      assert.match(message, /^\/etc\/agent\.conf:\d+: @type: the agent has no <\w+> of type "/);
      assert.ok(message.includes(`"${type}": ${instead}`), message);
      assert.ok(!registry.known.has(type));
    }
});

test('what only observes fluentd is left out with a notice', () => {
  const idle = [
    ...Object.keys(sources.idle ?? {}).map((type) => `<source>\n@type ${type}\nport 1\n</source>`),
    ...Object.keys(filters.idle ?? {}).map(
      (type) => `<filter **>\n@type ${type}\n<metric>\n</metric>\n</filter>`,
    ),
  ];
  const pipeline = loadText(`${idle.join('\n')}\n${sourceText('')}`);
  assert.equal(pipeline.sources.length, 1);
  assert.equal(pipeline.inputs.length, 0);
  assert.equal(pipeline.notices.length, idle.length);
  for (const { message } of pipeline.notices) assert.match(message, /has no effect: ./);
});

test("v0.12's names of a time, a tag and a format are those of <inject> and <format>", () => {
  const [flat, modern] = [
    'payload events\nformat ltsv\ndelimiter ,\ninclude_time_key true\ntime_format %s\nutc true\ninclude_tag_key yes\ntag_key t',
    'payload events\n<format>\n@type ltsv\ndelimiter ,\n</format>\n<inject>\ntime_key time\ntime_format %s\nutc true\ntag_key t\n</inject>',
  ].map((lines) => modernOutput(parsedMatch(lines)));
  const shape = (section: ConfigSection | undefined): unknown =>
    section && [
      section.name,
      [...section.params].map(([name, { value }]) => [name, value]).sort(),
      section.children.map(shape),
    ];
  assert.deepEqual(shape(flat), shape(modern));
  const none = modernOutput(parsedMatch('include_time_key false\ntime_key x\ninclude_tag_key false'));
  assert.deepEqual(none.children, []);
});

function parsedMatch(lines: string): ConfigSection {
  const { readFile, glob } = testEnvironment(outputText(lines));
  assert(readFile && glob);
  const root = parseConfig('/etc/agent.conf', { env: {}, hostname: 'h' }, { read: readFile, glob });
  const match = root.children.find(({ name }) => name === 'match');
  assert(match);
  return match;
}

test('the top level is a label too, of the name @ROOT', () => {
  const label = '<label @X>\n<match **>\n@type relabel\n@label @ROOT\n</match>\n</label>';
  const [source] = loadText(`${sourceText('@label @X')}\n${label}`).sources;
  assert.equal(source?.label, '@X');
  assert.match(
    refusal(() =>
      loadText(
        `${sourceText('')}\n${label}\n`.replace(
          '@type kinesis_streams\nstream_name s\nregion r',
          '@type relabel\n@label @X',
        ),
      ),
    ),
    /its events come back to it for ever/,
  );
});
