/** Lines as programs write them, by program; numbers, names and addresses vary by `i`. */
export const corpora: Record<string, (i: number) => string> = {
  sshd: (i) =>
    [
      `Failed password for invalid user ${pick(users, i)} from 192.168.${i % 250}.5 port ${1024 + i} ssh2`,
      `Connection closed by 10.0.0.${i % 255} port ${i} [preauth]`,
      `pam_unix(sshd:session): session opened for user ${pick(users, i)}(uid=${i}) by (uid=0)`,
    ][i % 3] ?? '',
  nginx: (i) =>
    `10.0.${i % 9}.${i % 255} - ${pick(users, i)} [22/Nov/2026:10:15:${two(i)} +0000] "GET /shop/item/${i}?q=${i} HTTP/1.1" ` +
    `200 ${i * 7} "-" "Mozilla/5.0 (X11; Linux x86_64; rv:${i}) Gecko/2010 Firefox/${i}"`,
  java: (i) =>
    [
      `2026-11-22 10:15:${two(i)},${100 + (i % 900)} ERROR [http-nio-8080-exec-${i % 20}] c.e.OrderService - Order ${i} failed after ` +
        `${i % 90}.5ms: java.io.IOException: Broken pipe\n\tat a.b.C.d(C.java:${i})\n\tat e.f.G(G.java:7)\nCaused by: x.Y: reset\n\tat q.R`,
      `2026-11-22 10:15:${two(i)},${100 + (i % 900)} INFO [main] c.e.Application - Started Application in ${i}.123 seconds`,
    ][i % 2] ?? '',
  kubernetes: (i) =>
    `I1122 10:15:${two(i)}.123456       1 kubelet.go:${i}] "SyncLoop ADD" source="api" pods=["shop/cart-7d8b4${1000 + i}-x2kqp"] ` +
    `uid=550e8400-e29b-41d4-a716-4466554400${two(i)}`,
  json: (i) =>
    JSON.stringify({
      level: 'warn',
      ts: `2026-11-22T10:15:${two(i)}.000Z`,
      msg: `retry ${i} of upload`,
      user: pick(users, i),
      agent: `curl ${i} on linux`,
      ms: i / 10,
    }),
  logfmt: (i) =>
    `level=info msg="connection from 10.0.0.${i % 255}:${i} closed" dur=1m${i % 60}s trace=4bf92f3577b34da6a3ce929d0e0e${1000 + i}`,
  korean: (i) =>
    [
      `사용자 ${pick(names, i)}님이 로그인했습니다 (IP: 10.0.0.${i % 255})`,
      `주문 「ORD-${i}」 결제 실패: 잔액 부족`,
    ][i % 2] ?? '',
};

const users = ['alice', 'bob', 'carol', 'dave', 'eve', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'mallory'];
const names = ['김철수', '이영희', '박민수', '최지우', '정다은', '강하늘', '윤서연'];

function pick(list: readonly string[], i: number): string {
  return list[(i * 7 + (i >> 3)) % list.length] ?? '';
}

function two(i: number): string {
  return String(i % 60).padStart(2, '0');
}
