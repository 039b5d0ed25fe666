import { readFileSync } from 'node:fs';

export interface Column {
  name: string;
  type: string;
}

/** A table as Glue takes it. */
export interface AthenaTable {
  name: string;
  columns: Column[];
  partitionKeys: Column[];
  serde: string;
  serdeProperties: Record<string, string>;
  location: string;
  properties: Record<string, string>;
}

const statement = new URL('../../../analytics/athena/table.sql', import.meta.url);

/**
 * The table of deploy/analytics/athena/table.sql, which is the one place where its columns stand.
 * @throws Error when the file has another form than is known here
 */
export function athenaTable(values: { bucket: string; prefix: string; streams: string }): AthenaTable {
  const sql = readFileSync(statement, 'utf8').replaceAll(/^--.*\n/gm, '');
  const part = (pattern: RegExp): string => {
    const found = pattern.exec(sql)?.[1];
    if (found === undefined) throw new Error(`${statement.pathname}: ${pattern} finds nothing`);
    return found;
  };
  const filled = (text: string) =>
    text.replaceAll(/\$\{(bucket|prefix|streams)\}/g, (_, name: keyof typeof values) => values[name]);
  const properties = part(/\nTBLPROPERTIES \(([^;]*)\);\s*$/);
  return {
    name: part(/^CREATE EXTERNAL TABLE (\w+) \(/),
    columns: columnsOf(part(/^CREATE EXTERNAL TABLE \w+ \(\n([^)]*)\n\)/)),
    partitionKeys: columnsOf(part(/\nPARTITIONED BY \(([^)]*)\)/).replaceAll(', ', ',\n')),
    serde: part(/\nROW FORMAT SERDE '([^']*)'/),
    serdeProperties: pairsOf(part(/\nWITH SERDEPROPERTIES \(([^)]*)\)/)),
    location: filled(part(/\nLOCATION '([^']*)'/)),
    properties: Object.fromEntries(
      Object.entries(pairsOf(properties)).map(([name, value]) => [name, filled(value)]),
    ),
  };
}

/** One a line: types have commas of their own. */
function columnsOf(text: string): Column[] {
  return text.split('\n').map((line) => {
    const [, name, type] = /^\s*(\w+) (\S+?),?$/.exec(line) ?? [];
    if (name === undefined || type === undefined)
      throw new Error(`${statement.pathname}: "${line}" is no column`);
    return { name, type };
  });
}

function pairsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/'([^']*)' = '([^']*)'/g)].map(([, name = '', value = '']) => [name, value]),
  );
}
