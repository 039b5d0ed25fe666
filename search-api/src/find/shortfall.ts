import { Type } from 'typebox';

/** One reason why not everything was looked at, as the API says it. */
export const ShortfallSchema = Type.Object({
  code: Type.String({
    description:
      'time, rows, buckets, point_lost, archive_unreadable, archive_not_counted, store_unavailable, no_archive',
  }),
  message: Type.String(),
});
