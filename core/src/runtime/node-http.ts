/**
 * `node:http`, not by import: the view of it that an ES module gets reads every member, and with `WebSocket` Node loads
 * its whole fetch client, which costs each start 40 ms of CPU and 10 MB.
 */
export const { Agent, createServer, request } = process.getBuiltinModule('node:http');
