import { Type } from 'typebox';

/** What a pipe that counts answers. */
export const TableSchema = Type.Object(
  {
    columns: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.Union([Type.Literal('text'), Type.Literal('number'), Type.Literal('time')]),
      }),
    ),
    rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number(), Type.Null()]))),
  },
  { description: 'With a pipe that counts: its rows, a cell for each column; then `hits` is empty' },
);
