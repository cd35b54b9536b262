CREATE TABLE `owner_shards` (
	`owner` text PRIMARY KEY NOT NULL,
	`shard` integer NOT NULL,
	`moving_to` integer,
	`moving_since` integer,
	`step` text
) STRICT, WITHOUT ROWID;
