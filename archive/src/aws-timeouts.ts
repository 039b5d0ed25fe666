/**
 * Time limits for an AWS client's NodeHttpHandler, milliseconds. Each is needed: a request timeout only warns unless
 * it is told to throw, and it ends with the head of the answer, so that a body that stalls is the socket's.
 */
export function awsTimeouts(requestTimeout: number) {
  return {
    connectionTimeout: 5_000,
    requestTimeout,
    throwOnRequestTimeout: true,
    socketTimeout: requestTimeout,
  };
}
