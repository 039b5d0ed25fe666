import { createHash } from 'node:crypto';

/** Where a load goes, and by which rights. */
export interface LoadTarget {
  bucket: string;
  /** Before `loads/` and `ndjson/`: empty, or with a slash at its end. */
  prefix: string;
  /** Key of redshift/jsonpaths.json in the same bucket. */
  jsonpathsKey: string;
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
  const digest = createHash('sha256').update(sorted.join('\n')).digest('hex');
  const entries = sorted.map((key) => ({ url: `s3://${bucket}/${key}`, mandatory: true }));
  return { key: `${prefix}loads/${digest}.manifest`, json: JSON.stringify({ entries }) };
}

/**
 * The statements of one load, for one transaction. Whatever of it was loaded before is left out by its event ids, so a
 * load can be repeated, and objects that share blocks give each event once. The lock puts loads one after another: two
 * that bring the same events would else both find them missing.
 */
export function loadStatements(target: LoadTarget, manifestKey: string, keys: readonly string[]): string[] {
  const { bucket, jsonpathsKey, copyRoleArn } = target;
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
      `MANIFEST GZIP FORMAT JSON ${text(`s3://${bucket}/${jsonpathsKey}`)}`,
      `TIMEFORMAT 'auto' TRUNCATECOLUMNS COMPUPDATE OFF STATUPDATE OFF`,
    ].join(' '),
    [
      `INSERT INTO ${events} SELECT ${columns} FROM`,
      '(SELECT *, row_number() OVER (PARTITION BY event_id) AS copy FROM millrace_incoming) AS incoming',
      `WHERE copy = 1 AND NOT EXISTS (SELECT 1 FROM ${events} AS known WHERE known.event_id = incoming.event_id)`,
    ].join(' '),
    `INSERT INTO ${loads} (object_key) VALUES ${[...new Set(keys)].map((key) => `(${text(key)})`).join(', ')}`,
  ];
}

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function name(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
