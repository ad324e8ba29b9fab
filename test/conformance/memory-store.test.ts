import { MemoryStore } from "../../shared/store/memory-store.ts";
import { RequestStore } from "../../shared/store/request-store.ts";
import { describeObjectStore } from "./object-store.ts";

describeObjectStore("memory", { open: async () => ({ store: new MemoryStore() }) });
describeObjectStore("one request's view of another", {
  open: async () => ({ store: new RequestStore(new MemoryStore()) }),
});
