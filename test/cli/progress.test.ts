import { expect, it } from "vitest";
import { progressLine } from "../../src/cli/progress.ts";

function recorded() {
  const written: string[] = [];
  let time = 0;
  const line = progressLine(
    (text) => written.push(text),
    () => time,
  );
  const at = (milliseconds: number) => {
    time = milliseconds;
  };
  return { line, written, at };
}

it("shows nothing for a reading that is over at once", () => {
  const { line, written, at } = recorded();
  at(100);
  line.update({ files: 1, filesRead: 1, bytesRead: 10 });
  line.clear();
  expect(written).toEqual([]);
});

it("draws over itself, not more often than needed, and leaves nothing behind", () => {
  const { line, written, at } = recorded();
  at(200);
  line.update({ files: 3, filesRead: 1, bytesRead: 2048 });
  at(210);
  line.update({ files: 3, filesRead: 2, bytesRead: 4096 });
  at(300);
  line.update({ files: 3, filesRead: 3, bytesRead: 6144 });
  line.clear();
  expect(written).toEqual([
    "\r\u001b[Kreading headers, 1 of 3 files, 2.00 KiB",
    "\r\u001b[Kreading headers, 3 of 3 files, 6.00 KiB",
    "\r\u001b[K",
  ]);
});
