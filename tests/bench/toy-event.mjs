// What a person would write in an afternoon: Kafka as a plain JavaScript simulation. A heap of events, an object a record, three
// logs a partition that share it. No batches, no bytes, no timers, no faults. The engine is measured against it.

class Heap {
  entries = [];
  before(x, y) { return x.at < y.at || (x.at === y.at && x.seq < y.seq); }
  push(entry) {
    const heap = this.entries;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(entry, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }
  pop() {
    const heap = this.entries, top = heap[0], last = heap.pop(), n = heap.length;
    if (n === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

// Sends `total` records and runs until all are delivered. `payload` 0: records have no value at all.
export function simulate({ partitions: count, total, payload }) {
  const heap = new Heap();
  let seq = 0, now = 0, events = 0, id = 0, delivered = 0, sum = 0;
  const after = (delay, type, partition, record) => heap.push({ at: now + delay, seq: seq++, type, partition, record });
  const partitions = [];
  for (let p = 0; p < count; p++) partitions.push({ id: p, logs: [[], [], []], highWatermark: 0, committed: 0 });
  let state = 12345;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  const hash = (text) => {
    let h = 0;
    for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) | 0;
    return h >>> 0;
  };
  after(0, 'produce', 0, null);
  while (delivered < total) {
    const event = heap.pop();
    now = event.at;
    events++;
    switch (event.type) {
      case 'produce': {
        const key = 'user-' + (id % 1000), partition = hash(key) % count;
        const value = payload ? ('v' + id).padEnd(payload, 'x') : null;
        const record = { id, key, value, partition, offset: -1, createdAt: now };
        id++;
        after(0.5 + random(), 'append', partition, record);
        if (id < total) after(0.01, 'produce', 0, null);
        break;
      }
      case 'append': {
        const log = partitions[event.partition].logs[0];
        event.record.offset = log.length;
        log.push(event.record);
        after(0.5 + random() * 0.1, 'follower1', event.partition, event.record);
        after(0.5 + random() * 0.1, 'follower2', event.partition, event.record);
        break;
      }
      case 'follower1':
      case 'follower2': {
        const { logs } = partitions[event.partition], partition = partitions[event.partition];
        logs[event.type === 'follower1' ? 1 : 2].push(event.record);
        const highWatermark = Math.min(logs[0].length, logs[1].length, logs[2].length);
        for (let offset = partition.highWatermark; offset < highWatermark; offset++) after(0.5, 'deliver', event.partition, logs[0][offset]);
        partition.highWatermark = Math.max(partition.highWatermark, highWatermark);
        break;
      }
      case 'deliver': {
        const partition = partitions[event.partition];
        delivered++;
        sum = (sum + event.record.offset) | 0;
        partition.committed = Math.max(partition.committed, event.record.offset + 1);
        break;
      }
    }
  }
  return { partitions, delivered, events, sum };
}
