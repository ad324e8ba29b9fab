import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { choosePort, LOOPBACK } from "./ports.ts";

const servers: ReturnType<typeof createServer>[] = [];

async function occupy(): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("choosePort", () => {
  it("goes elsewhere when the usual port is taken", async () => {
    const taken = await occupy();
    const port = await choosePort(undefined, taken);
    expect(port).not.toBe(taken);
    expect(port).toBeGreaterThan(0);
  });

  it("refuses a port that somebody asked for and that is taken", async () => {
    const taken = await occupy();
    await expect(choosePort(taken, 1)).rejects.toMatchObject({
      code: "invalid_request",
      message: `port ${taken} is already in use`,
    });
  });

  it("finds any free port for 0", async () => {
    expect(await choosePort(0, 1)).toBeGreaterThan(0);
  });
});
