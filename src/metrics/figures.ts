import { DurableObject } from 'cloudflare:workers';
import { LEVELS, type Level } from '../domain/figures.ts';
import { createFigureStore } from '../store/figures.ts';
import { addCell, decodeCell, encodeCell, findCell, parseCellKey, type Cells } from './cells.ts';
import { createSeries, type FigureQuery, type Group } from './series.ts';

/** Cells that are handed over together, under a number that tells a repetition. */
export interface CellBatch {
  number: number;
  cells: Cells;
}

interface Place {
  at: number;
  type: string;
  queue: string;
}

/** The beginning of the time of a level that a minute belongs to. */
const floorTo = (minute: number, level: Level): number => minute - (minute % level);

/**
 * The figures of one owner, for three months: one object an owner, so no owner's weigh on another's.
 * A minute in which something happened writes three rows for each type and queue, however many
 * tasks there were.
 */
export class Figures extends DurableObject<Env> {
  #store = createFigureStore(this.ctx.storage.sql);

  /** Adds cells, by minute, hour and day. Batches that were added before are passed over. */
  add(batches: CellBatch[]): void {
    this.ctx.storage.transactionSync(() => {
      let last = this.#store.readLastBatch();
      let newest = 0;
      for (const { number, cells } of batches) {
        if (number <= last) continue;
        for (const level of LEVELS) this.#addAll(level, cells);
        for (const key of cells.keys()) newest = Math.max(newest, parseCellKey(key).minute);
        last = number;
        this.#store.storeLastBatch(number);
      }
      if (newest > 0) this.#store.prune(newest);
    });
  }

  /** What happened within a time, with what is still to be handed over. */
  read(query: FigureQuery, batches: CellBatch[]): Group[] {
    const series = createSeries(query);
    for (const row of this.#store.list(query.level, query.from, query.to))
      series.add(row, decodeCell(row.cell));
    const last = this.#store.readLastBatch();
    for (const { number, cells } of batches) {
      if (number <= last) continue;
      for (const [key, cell] of cells) {
        const { minute, type, queue } = parseCellKey(key);
        if (minute >= query.from && minute < query.to)
          series.add({ at: minute, type: this.#store.nameType(type), queue }, cell);
      }
    }
    return series.toGroups();
  }

  /** Forgets everything. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.#store = createFigureStore(this.ctx.storage.sql);
  }

  #addAll(level: Level, cells: Cells): void {
    const merged: Cells = new Map();
    const places = new Map<string, Place>();
    for (const [key, cell] of cells) {
      const { minute, type, queue } = parseCellKey(key);
      const place = { at: floorTo(minute, level), type: this.#store.nameType(type), queue };
      const name = Object.values(place).join('\n');
      places.set(name, place);
      addCell(findCell(merged, name), cell);
    }
    for (const [name, cell] of merged) {
      const place = places.get(name) as Place;
      const stored = this.#store.get(level, place.at, place.type, place.queue);
      if (stored !== null) addCell(cell, decodeCell(stored));
      this.#store.put(level, { ...place, cell: encodeCell(cell) });
    }
  }
}
