//! NumPy and PyTorch: `benches/python/peers.py` in a process of its own, asked for one run at a time, so that its runs and ours
//! take turns. It stops the time by itself.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use benches::work::Work;
use benches::{Contender, Outcome};

/// The process, if there is one.
pub(crate) struct Python {
    process: Option<Rc<RefCell<Process>>>,
    versions: String,
}

struct Process {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.questions = None; // it ends when there are no more
        let _ = self.child.wait();
    }
}

impl Process {
    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the Python process answers in text");
        assert!(!line.is_empty(), "the Python process ended; its last words are above");
        line.trim_end().to_owned()
    }
}

impl Python {
    /// Starts the Python that the variable `BENCH_PYTHON` names.
    pub(crate) fn start() -> Self {
        let none = Self { process: None, versions: "no NumPy, no PyTorch".to_owned() };
        let Some(python) = std::env::var_os("BENCH_PYTHON").filter(|name| !name.is_empty()) else {
            return none;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../python/peers.py");
        let mut command = Command::new(&python);
        command.arg(script).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut process = Process { child, questions, answers };
        let versions = process.read_line().replace('\t', ", ");
        Self { process: Some(Rc::new(RefCell::new(process))), versions }
    }

    /// What there is.
    pub(crate) fn versions(&self) -> &str {
        &self.versions
    }

    /// Names to ask for.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &'static str> {
        ["NumPy", "PyTorch"].into_iter().filter(|name| self.process.is_some() && self.versions.contains(name))
    }

    /// One of them at a work.
    ///
    /// # Panics
    /// There is no Python.
    pub(crate) fn contender(&self, library: &'static str, work: &'static Work) -> Box<dyn Contender> {
        let process = Rc::clone(self.process.as_ref().expect("asked for what `libraries` named"));
        Box::new(Library { process, question: format!("{library}\t{}\n", work.name) })
    }
}

struct Library {
    process: Rc<RefCell<Process>>,
    question: String,
}

impl Contender for Library {
    fn run(&mut self) -> Outcome {
        let mut process = self.process.borrow_mut();
        let questions = process.questions.as_mut().expect("open until the end");
        questions.write_all(self.question.as_bytes()).and_then(|()| questions.flush()).expect("Python listens");
        let answer = process.read_line();
        let numbers: Vec<f64> = answer.split('\t').filter_map(|number| number.parse().ok()).collect();
        let [seconds, value] = numbers[..] else { panic!("not seconds and a value: {answer}") };
        Outcome { time: Duration::from_secs_f64(seconds), value: value as f32 }
    }
}
