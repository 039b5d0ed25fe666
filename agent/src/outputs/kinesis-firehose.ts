import type { Output } from '../config/pipeline.ts';
import { type OutputPlugin, required, type Table, withDefault } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { placeText } from '../config/syntax/tree.ts';
import { bool, size, stringLike } from '../config/values.ts';
import { EventSender } from '../ship/event-sender.ts';
import { createFirehoseClient } from '../ship/firehose.ts';
import { singleRecords } from '../ship/packing.ts';
import { awsParams, connectionOf, credentialSections, credentialsText } from './aws.ts';
import { compileEncoding, eventParams, eventSections } from './events.ts';
import { kinesisNotApplicable } from './kinesis-streams.ts';
import { waitingOf, waitingParams } from './waiting.ts';

const mebibyte = 1024 * 1024;
/** The service's limit of one record, before base64. */
const recordBytesMax = 1_024_000;

const { max_record_size: _single, ...sharedParams } = eventParams;

const table = {
  title: '<match> @type kinesis_firehose',
  doc: 'Sends events to a Firehose delivery stream, each as a record.',
  params: {
    delivery_stream_name: required(
      stringLike(/^[a-zA-Z0-9_.-]{1,64}$/, 'the name of a delivery stream'),
      'Name of the delivery stream.',
    ),
    ...awsParams,
    ...waitingParams,
    ...sharedParams,
    append_new_line: withDefault(bool, true, 'End each event with one line break.'),
    max_record_size: withDefault(
      size(1024, recordBytesMax),
      recordBytesMax,
      'Largest record; a larger event is counted and not delivered.',
    ),
    batch_request_max_size: withDefault(
      size(mebibyte, 4 * mebibyte),
      4 * mebibyte,
      'Most bytes in one request.',
    ),
  },
  notApplicable: kinesisNotApplicable,
  sections: ['buffer', 'secondary', ...eventSections, ...credentialSections],
} satisfies Table;

export const kinesisFirehose: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const waiting = waitingOf(section, settings, given, context);
    const connection = connectionOf(section, settings, waiting.requestsInFlightMax, context);
    const { delivery_stream_name: name = '', append_new_line: newLine } = settings;
    const encode = compileEncoding(section, { ...settings, chomp_record: !newLine }, context);
    const output: Output = {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'kinesis_firehose',
      ...waiting,
      describe: () => [
        ['sends to', `Firehose delivery stream ${name} in ${connection.region}`],
        ['signed with', credentialsText(connection)],
      ],
      createSender(sending) {
        const own = {
          ...waiting,
          id: this.id,
          requestRecordsMax: settings.batch_request_max_count,
          requestBytesMax: settings.batch_request_max_size,
          recordBytesMax: settings.max_record_size,
          packing: singleRecords(encode, () => '', settings.max_record_size),
        };
        return new EventSender(own, createFirehoseClient(name, connection), sending);
      },
    };
    return output;
  },
};
