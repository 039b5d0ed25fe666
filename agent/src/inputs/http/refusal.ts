/** Why a request is refused; what it carried was not taken, none of it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the event that is wrong, from 0. */
  readonly index: number | undefined;

  constructor(
    status: number,
    message: string,
    options: { headers?: Record<string, string>; index?: number } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.headers = options.headers ?? {};
    this.index = options.index;
  }
}

/** 429: come again, after so many seconds. */
export function tryLater(message: string, seconds: number): Refusal {
  return new Refusal(429, message, { headers: { 'retry-after': String(Math.max(1, Math.ceil(seconds))) } });
}
