// Starts the page's own artifact once more, as the worker. The page first posts {js, module}: the URL of the glue and
// the compiled module. Listening begins at once, because messages posted before the first listener exists are lost.
const queued = [];
// What a task throws reaches the page as what a listener throws does.
self.onunhandledrejection = (event) => {
  event.preventDefault();
  self.reportError(event.reason);
};
self.onmessage = ({ data }) => {
  if (!data || !data.js) {
    queued.push({ data });
    return;
  }
  import(data.js)
    .then(async (artifact) => {
      await artifact.default({ module_or_path: data.module });
      artifact.worker_main(queued);
    })
    .catch((error) => self.postMessage(`boot-error:${error}`));
};
