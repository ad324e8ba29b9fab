import { CloudflareQueue } from "../../encoder/queue/cloudflare-queue.ts";
import type { DeadLetter } from "../../encoder/queue/queue.ts";
import { ACCOUNT, FakeCloudflareQueues, QUEUE, TOKEN } from "../fakes/cloudflare-queues.ts";
import { describeQueue } from "./queue.ts";

describeQueue("Cloudflare Queues, as documented", {
  open: async () => {
    const fake = new FakeCloudflareQueues();
    const endpoint = await fake.start();
    const dead: DeadLetter[] = [];
    const setAside = async (letter: DeadLetter) => void dead.push(letter);
    const queue = new CloudflareQueue({ accountId: ACCOUNT, queueId: QUEUE, token: TOKEN, endpoint, setAside });
    return { queue, deadLetters: async () => dead, close: async () => await fake.stop() };
  },
});
