import { useState } from 'preact/hooks';
import { api, get, request } from '../api.ts';
import { formatBytes } from '../format.ts';
import { toHref } from '../router.ts';
import { saveFile } from '../save-file.ts';
import { Age, Card, Empty, ErrorNote, PageHead, Skeleton } from '../components/ui.tsx';
import { confirm } from '../components/confirm.tsx';
import { toast } from '../components/toast.tsx';
import { useAction, useQuery } from '../hooks.ts';

interface StoredFile {
  name: string;
  bytes: number;
  content_type: string;
  uploaded_at: string;
}

/** Uploads a file under its own name. Throws what the service says. */
export const uploadFile = async (file: File): Promise<string> => {
  await request('PUT', `/files/${encodeURIComponent(file.name)}`, {
    body: file,
    headers: { 'Content-Type': file.type || 'application/octet-stream' },
  });
  return file.name;
};

const download = async (name: string): Promise<void> => {
  const response = await request('GET', `/files/${encodeURIComponent(name)}`);
  saveFile(name, await response.blob());
};

const FileRow = ({ file, reload }: { file: StoredFile; reload(): void }) => {
  const [isBusy, act] = useAction();
  const remove = (): void =>
    act(async () => {
      if (!(await confirm(`Delete ${file.name}? Tasks that read it will fail.`, 'Delete')))
        return undefined;
      await api('DELETE', `/files/${encodeURIComponent(file.name)}`);
      reload();
      return `${file.name} deleted`;
    });
  return (
    <tr>
      <th scope="row">{file.name}</th>
      <td data-label="Size" class="num">
        {formatBytes(file.bytes)}
      </td>
      <td data-label="Kind" class="wide">
        {file.content_type}
      </td>
      <td data-label="Uploaded">
        <Age at={file.uploaded_at} />
      </td>
      <td class="num">
        <div class="row end">
          <a class="button small" href={toHref('/tasks', { q: file.name })}>
            Used by
          </a>
          <button
            class="small"
            onClick={() => act(async () => (await download(file.name), undefined))}
          >
            Download
          </button>
          <button class="small danger" disabled={isBusy} onClick={remove}>
            Delete
          </button>
        </div>
      </td>
    </tr>
  );
};

/** Files that tasks read and write. */
export const FilesPage = () => {
  const { data, error, readAt, reload } = useQuery('files', () =>
    get<{ files: StoredFile[]; pagination: { next_cursor: string | null } }>(
      '/files?page_size=200',
    ),
  );
  const [isOver, setOver] = useState(false);
  const upload = async (files: FileList | null | undefined): Promise<void> => {
    for (const file of files ?? [])
      await uploadFile(file).then(
        (name) => toast(`${name} uploaded`),
        (problem: Error) => toast(`${file.name}: ${problem.message}`, 'error'),
      );
    reload();
  };
  return (
    <>
      <PageHead title="Files" />
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <label
        class={`drop ${isOver ? 'over-it' : ''}`}
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void upload(event.dataTransfer?.files);
        }}
      >
        <input
          type="file"
          multiple
          aria-label="Upload files"
          onChange={(event) => void upload(event.currentTarget.files)}
        />
        <span class="muted">
          Choose files, or drop them here: tasks of file_processing read them.
        </span>
      </label>
      <Card title="Your files">
        {!data && !error && <Skeleton />}
        {data?.files.length === 0 && <Empty>There are no files yet.</Empty>}
        {data && data.files.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Files">
            <table class="stacked">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col" class="num">
                    Size
                  </th>
                  <th scope="col" class="wide">
                    Kind
                  </th>
                  <th scope="col">Uploaded</th>
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.files.map((file) => (
                  <FileRow key={file.name} file={file} reload={reload} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
    </>
  );
};
