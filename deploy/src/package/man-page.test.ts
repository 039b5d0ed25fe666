import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manPage } from './man-page.ts';

const title = { name: 'tool', section: 1, version: '1.2.3', date: new Date(0) };

const blocks: [what: string, markdown: string, roff: string][] = [
  ['a heading', '## Exit codes', '.SH "EXIT CODES"'],
  ['a heading with a name, whose letters stay', '## `<parse> @type csv`', '.SH "\\fB<parse> @type csv\\fR"'],
  [
    'a paragraph with code, stress and a link',
    'Read **all** of `a-b` in [the page](x.md).',
    '.PP\nRead \\fBall\\fR of \\fBa\\-b\\fR in the page.',
  ],
  ['a line that begins like a request', ".conf is\n'quoted' \\n", '.PP\n\\&.conf is\n\\(aqquoted\\(aq \\en'],
  ['a list of terms', '- `a`, `b`: both\n- `c`: one', '.TP\n\\fBa\\fR, \\fBb\\fR\nboth\n.TP\n\\fBc\\fR\none'],
  ['a list', '- one\n  more', '.IP \\(bu 2\none\nmore'],
  [
    'a table of parameters',
    '| P | T | D | |\n|---|---|---|---|\n| `p` | size | `8m` | Text. |\n| `q` | `a\\|b` | **required** | Text. |',
    '.TP\n\\fBp\\fR\n(size; default \\fB8m\\fR)\nText.\n.TP\n\\fBq\\fR\n(\\fBa|b\\fR; required)\nText.',
  ],
];

for (const [what, markdown, roff] of blocks) {
  test(`${what} becomes roff`, () => {
    const page = manPage(`# tool\n\nsummary\n\n## First\n\n${markdown}\n`, title);
    assert.equal(
      page,
      `.TH TOOL 1 1970-01-01 "Millrace 1.2.3"\n.SH NAME\ntool \\- summary\n.SH "FIRST"\n${roff}\n`,
    );
  });
}
