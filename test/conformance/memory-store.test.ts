import { MemoryStore } from "../../shared/store/memory-store.ts";
import { describeObjectStore } from "./object-store.ts";

describeObjectStore("memory", { open: async () => ({ store: new MemoryStore() }) });
