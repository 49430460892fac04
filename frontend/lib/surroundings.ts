/** The browser as a follower of runs sees it: sockets, the network, the tab and the clock. */
import type { Socket, Surroundings } from "./stream";

export function browser(): Surroundings {
  return {
    open(path) {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      return new WebSocket(`${scheme}//${location.host}${path}`) as Socket;
    },
    async get(path, signal) {
      const response = await fetch(path, { signal, headers: { Accept: "application/json" } });
      return { status: response.status, body: await response.json() };
    },
    hidden: () => document.hidden,
    online: () => navigator.onLine,
    watch(changed) {
      const ending = new AbortController();
      const { signal } = ending;
      document.addEventListener("visibilitychange", () => changed("visibility"), { signal });
      window.addEventListener("online", () => changed("online"), { signal });
      window.addEventListener("offline", () => changed("offline"), { signal });
      return () => ending.abort();
    },
    later(seconds, action) {
      const timer = setTimeout(action, seconds * 1000);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  };
}
