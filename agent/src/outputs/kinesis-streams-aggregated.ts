import type { KinesisOutput } from '../config/pipeline.ts';
import { type OutputPlugin, optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';
import { integer, size, string } from '../config/values.ts';
import { aggregatedRecords } from '../ship/aggregate.ts';
import { EventSender } from '../ship/event-sender.ts';
import { createKeyDraw, keyText } from '../ship/partition-keys.ts';
import { awsParams, connectionOf, credentialSections } from './aws.ts';
import { compileEncoding, eventParams, eventSections } from './events.ts';
import { kinesisLines, kinesisNotApplicable, streamName } from './kinesis-streams.ts';
import { waitingOf, waitingParams } from './waiting.ts';

const mebibyte = 1024 * 1024;
/** The service's limit of one request. */
const requestBytesMax = 5 * mebibyte;

const { max_record_size: _single, batch_request_max_count: _count, ...encodingParams } = eventParams;

const table = {
  title: '<match> @type kinesis_streams_aggregated',
  doc:
    'Sends events packed as the Kinesis Producer Library packs them, many in a record, for consumers that use AWS’s ' +
    'libraries (KCL takes them apart by itself).',
  params: {
    stream_name: streamName,
    ...awsParams,
    ...waitingParams,
    ...encodingParams,
    fixed_partition_key: optional(
      string,
      'random',
      'One partition key for all records; else each has its own.',
    ),
    max_record_size: withDefault(
      size(1024, 10 * mebibyte),
      mebibyte,
      'Largest record; a larger event is counted and not delivered.',
    ),
    batch_request_max_count: withDefault(
      integer(1, 100_000),
      100_000,
      'Read as 500 at most, which is the limit of records in a request.',
    ),
    batch_request_max_size: withDefault(
      size(1024, 10 * mebibyte),
      mebibyte,
      'Most bytes in one record of packed events.',
    ),
  },
  notApplicable: kinesisNotApplicable,
  sections: ['buffer', 'secondary', ...eventSections, ...credentialSections],
} satisfies Table;

export const kinesisStreamsAggregated: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const waiting = waitingOf(section, settings, given, context);
    const encode = compileEncoding(section, settings, context);
    const { fixed_partition_key: fixed, max_record_size: recordBytesMax } = settings;
    const bytesMax = Math.min(settings.batch_request_max_size, recordBytesMax);
    const output: KinesisOutput = {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'kinesis_streams_aggregated',
      streamName: settings.stream_name ?? '',
      ...connectionOf(section, settings, waiting.requestsInFlightMax, context),
      ...waiting,
      requestRecordsMax: Math.min(500, settings.batch_request_max_count),
      requestBytesMax,
      describe() {
        return kinesisLines(this, 'events in records of the Kinesis Producer Library');
      },
      createSender(sending) {
        const draw = createKeyDraw(sending.clock);
        const packing = aggregatedRecords(encode, () => fixed ?? keyText(draw()), bytesMax, recordBytesMax);
        return new EventSender({ ...this, recordBytesMax, packing }, sending.createClient(this), sending);
      },
    };
    return output;
  },
};
