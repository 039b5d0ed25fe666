/** What stands in the header of a page. */
export interface ManTitle {
  name: string;
  section: number;
  /** One line behind the name; the text below the Markdown's title when absent. */
  summary?: string;
  version: string;
  date: Date;
}

/**
 * A man page of Markdown as the project's own pages are written: headings, paragraphs, lists, tables, `code`, links.
 * A row of a table becomes a definition: a screen is too narrow for tables.
 */
export function manPage(markdown: string, title: ManTitle): string {
  const body = markdown.replace(/^<!--.*?-->\n/s, '').replace(/^\s*# .*\n/, '');
  const blocks = body
    .split(/\n{2,}/)
    .map((block) => block.replace(/^\n+|\n+$/g, ''))
    .filter((block) => block !== '');
  const summary = title.summary ?? blocks.shift() ?? '';
  const day = title.date.toISOString().slice(0, 10);
  return [
    `.TH ${title.name.toUpperCase()} ${title.section} ${day} "Millrace ${title.version}"`,
    '.SH NAME',
    `${inline(title.name)} \\- ${inline(summary)}`,
    ...(blocks[0]?.startsWith('## ') ? [] : ['.SH DESCRIPTION']),
    ...blocks.map(roffBlock),
    '',
  ].join('\n');
}

function roffBlock(block: string): string {
  if (block.startsWith('## ')) return `.SH ${quoted(heading(block.slice(3)))}`;
  if (block.startsWith('### ')) return `.SS ${quoted(block.slice(4))}`;
  if (block.startsWith('|')) return block.split('\n').slice(2).map(definition).join('\n');
  if (block.startsWith('- '))
    return block
      .split(/\n(?=- )/)
      .map(listItem)
      .join('\n');
  return `.PP\n${textLines(block)}`;
}

/** Names keep their letters. */
function heading(text: string): string {
  return text.includes('`') ? text : text.toUpperCase();
}

/** `| name | type | default | text |` as the name, then the rest. */
function definition(row: string): string {
  const [term = '', ...rest] = row
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
  const text = rest.pop() ?? '';
  const notes =
    rest.length === 0
      ? []
      : [inline(`(${rest.join('; default ').replace('default **required**', 'required')})`)];
  return ['.TP', inline(term), ...notes, textLines(text)].join('\n');
}

/** `- term: text` as a definition, anything else behind a bullet. */
function listItem(item: string): string {
  const text = item.slice(2).replaceAll('\n  ', '\n');
  const [, term, rest] = /^((?:`[^`]*`(?:, )?)+): ([\s\S]*)$/.exec(text) ?? [];
  if (term !== undefined && rest !== undefined) return `.TP\n${inline(term)}\n${textLines(rest)}`;
  return `.IP \\(bu 2\n${textLines(text)}`;
}

/** A line that began with a dot or an apostrophe would be a request. */
function textLines(text: string): string {
  return text
    .split('\n')
    .map((line) => inline(line).replace(/^(?=[.'])/, '\\&'))
    .join('\n');
}

function inline(text: string): string {
  return text
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith('`') && part.length > 1
        ? `\\fB${escaped(part.slice(1, -1)).replaceAll('-', '\\-')}\\fR`
        : escaped(part).replace(/\*\*([^*]+)\*\*/g, '\\fB$1\\fR'),
    )
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll("'", '\\(aq').replaceAll('…', '...');
}

function quoted(text: string): string {
  return `"${inline(text).replaceAll('"', '\\(dq')}"`;
}
