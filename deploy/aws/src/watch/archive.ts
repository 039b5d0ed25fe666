import { Duration } from 'aws-cdk-lib';
import type { PartStack } from '../stacks/stack.ts';
import type { AlarmSpec } from './alarm.ts';
import { eventPattern, logCount } from './log-counts.ts';
import type { Watched } from './watched.ts';

/** Whether every byte is accounted for, by the events of the consumers and by the ledger. */
export function archiveAlarms(stack: PartStack, { consumer, ledger }: Watched): AlarmSpec[] {
  const { ledger_minutes: often } = stack.settings.alarms;
  const counted = (name: string, ...events: string[]) =>
    logCount(stack, consumer.logGroup, name, eventPattern(...events));
  const told = (name: string, pattern: string) =>
    logCount(stack, ledger.logGroup, name, pattern, Duration.minutes(often));
  return [
    {
      name: 'set-aside',
      says: 'Something could not be decoded, or indexed as it is; the bucket has it. millrace set-aside.',
      metric: counted('SetAside', 'set_aside', 'set_aside_more', 'set_aside_stored'),
      above: 0,
      periods: 1,
    },
    {
      name: 'unindexed',
      says: 'Events are archived, and not in search or reports: blocks that cannot be rendered, objects that do not decode, documents that the store cannot hold.',
      metric: counted('Unindexed', 'render_failed', 'object_corrupt', 'documents_missing', 'ndjson_failed'),
      above: 0,
      periods: 1,
    },
    {
      name: 'shards-unread',
      says: 'Nobody reads some shards: too few workers, or consumer.leases.shards_max is too low.',
      metric: counted('ShardsUnread', 'shards_unread'),
      above: 0,
      periods: 1,
    },
    {
      name: 'consumer-failures',
      says: 'Processes of the consumers crash or hang again and again.',
      metric: counted(
        'ConsumerFailures',
        'shard_crashed',
        'shard_failed',
        'shard_hung',
        'block_hung',
        'daemon_exited',
        'filler_hung',
        'note_unkept',
      ),
      above: 2,
      periods: 2,
    },
    {
      name: 'archive-waiting',
      says: 'S3 or its key takes nothing, or little: nothing is acknowledged to Kinesis until it does.',
      metric: counted('ArchiveWaiting', 'archive_waiting', 'upload_retried'),
      // Now and then S3 asks for a repetition.
      above: 10,
      periods: 2,
    },
    {
      name: 'uploads-lost',
      says: 'S3 lost unfinished uploads, which are read again: does a rule or somebody abort them?',
      metric: counted('UploadsLost', 'upload_lost'),
      above: 0,
      periods: 1,
    },
    {
      name: 'retention-refused',
      says: 'Days stay in the store, because something of them is missing there. docs/retention.md.',
      metric: counted('RetentionRefused', 'retention_refused'),
      above: 0,
      periods: 1,
    },
    {
      name: 'gaps',
      says: 'The ledger misses bytes; its log names file, range and cause. docs/ledger.md.',
      metric: told('Gaps', '{ $.type = "gap" }'),
      above: 0,
      periods: 1,
    },
    {
      name: 'silent-agents',
      says: 'Agents have no heartbeat and did not say that they stop; the ledger log names them.',
      metric: told('SilentAgents', '{ ($.type = "agent") && ($.state = "silent") }'),
      above: 0,
      periods: 1,
    },
    {
      name: 'ledger-unread',
      says: 'The ledger did not come to an end: gaps would not be seen. See its log.',
      metric: told('LedgerReadings', '{ $.type = "summary" }'),
      below: 1,
      periods: 2,
      missing: 'bad',
    },
  ];
}
