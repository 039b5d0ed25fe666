import { createHash } from 'node:crypto';
import jsonpaths from '../../../analytics/redshift/jsonpaths.json' with { type: 'json' };

/** Where a load goes, and by which rights. */
export interface LoadTarget {
  bucket: string;
  /** Before `loads/` and `ndjson/`: empty, or with a slash at its end. */
  prefix: string;
  /** Role of the warehouse that reads the bucket. */
  copyRoleArn: string;
  schema: string;
}

/** The manifest of a load: its name is made of what it lists, so that the same load has the same one. */
export function manifestOf(
  { bucket, prefix }: Pick<LoadTarget, 'bucket' | 'prefix'>,
  keys: readonly string[],
): { key: string; json: string } {
  const sorted = [...new Set(keys)].sort();
  const entries = sorted.map((key) => ({ url: `s3://${bucket}/${key}`, mandatory: true }));
  return { key: `${prefix}loads/${digestOf(sorted.join('\n'))}.manifest`, json: JSON.stringify({ entries }) };
}

/** Where COPY finds the columns in a line; kept beside the manifests, so that it is always that of this code. */
export function jsonpathsOf({ prefix }: Pick<LoadTarget, 'prefix'>): { key: string; json: string } {
  const json = JSON.stringify(jsonpaths);
  return { key: `${prefix}loads/jsonpaths-${digestOf(json).slice(0, 12)}.json`, json };
}

/** Lines of one object that a tolerant load leaves out at most; with more of them it is the object that is wrong. */
const refusedMax = 1_000;

/**
 * The statements of one load, for one transaction. Whatever of it was loaded before is left out by its event ids, so a
 * load can be repeated, and objects that share blocks give each event once. The lock puts loads one after another: two
 * that bring the same events would else both find them missing. A tolerant load leaves out lines that COPY refuses; the
 * others are refused whole for one of them.
 */
export function loadStatements(
  target: LoadTarget,
  manifestKey: string,
  keys: readonly string[],
  { tolerant }: { tolerant: boolean },
): string[] {
  const { bucket, copyRoleArn } = target;
  const schema = name(target.schema);
  const events = `${schema}.millrace_events`;
  const loads = `${schema}.millrace_loads`;
  const columns =
    'event_id, event_time, stream, event_tag, host, file, file_offset, level, service, status, method, url, message, fields';
  return [
    `LOCK ${loads}`,
    `CREATE TEMP TABLE millrace_incoming (LIKE ${events})`,
    [
      `COPY millrace_incoming FROM ${text(`s3://${bucket}/${manifestKey}`)} IAM_ROLE ${text(copyRoleArn)}`,
      `MANIFEST GZIP FORMAT JSON ${text(`s3://${bucket}/${jsonpathsOf(target).key}`)}`,
      `TIMEFORMAT 'auto' TRUNCATECOLUMNS COMPUPDATE OFF STATUPDATE OFF${tolerant ? ` MAXERROR ${refusedMax}` : ''}`,
    ].join(' '),
    [
      `INSERT INTO ${events} SELECT ${columns} FROM`,
      '(SELECT *, row_number() OVER (PARTITION BY event_id) AS copy FROM millrace_incoming) AS incoming',
      `WHERE copy = 1 AND NOT EXISTS (SELECT 1 FROM ${events} AS known WHERE known.event_id = incoming.event_id)`,
    ].join(' '),
    `INSERT INTO ${loads} (object_key) VALUES ${[...new Set(keys)].map((key) => `(${text(key)})`).join(', ')}`,
  ];
}

/** docs.aws.amazon.com/redshift/latest/dg/SYS_LOAD_ERROR_DETAIL.html */
const fileNameMax = 256;

/** Which of the objects are loaded: one row each. */
export function loadedStatement(target: LoadTarget, keys: readonly string[]): string {
  return `SELECT DISTINCT object_key FROM ${name(target.schema)}.millrace_loads WHERE object_key IN (${list(keys)})`;
}

/** Lines of the objects that COPY left out in the last hour: number, column, reason. */
export function refusedStatement({ bucket }: LoadTarget, keys: readonly string[]): string {
  // The view has the beginnings of names.
  const files = keys.map((key) => `s3://${bucket}/${key}`.slice(0, fileNameMax));
  return [
    'SELECT DISTINCT line_number, trim(column_name), trim(error_message) FROM sys_load_error_detail',
    `WHERE trim(file_name) IN (${list(files)})`,
    `AND start_time > dateadd(hour, -1, getdate()) ORDER BY 1 LIMIT ${refusedMax}`,
  ].join(' ');
}

function list(values: readonly string[]): string {
  return values.map((value) => text(value)).join(', ');
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function name(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
