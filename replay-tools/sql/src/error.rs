//! Why a question is not answered.

#[cfg(feature = "datafusion")]
use guichet_client::exit;
use guichet_history::HistoryError;

/// Why it stops.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The history cannot be read, or the answer not written.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The question is wrong, or its answer too large.
    #[error("{message}")]
    Question {
        /// What is wrong, and what to do.
        message: String,
        /// The exit code that says so.
        code: u8,
    },
}

#[cfg(feature = "datafusion")]
impl SqlError {
    fn question(message: String) -> Self {
        Self::Question { message, code: exit::USAGE }
    }

    fn failed(message: String) -> Self {
        Self::Question { message, code: exit::REFUSED }
    }
}

#[cfg(feature = "datafusion")]
mod of_datafusion {
    use std::io;

    use datafusion::arrow::error::ArrowError;
    use datafusion::error::DataFusionError;
    use guichet_history::HistoryError;

    use super::SqlError;

    /// Into a stream of rows, out of which it comes again as it was.
    pub(crate) fn outside(error: HistoryError) -> DataFusionError {
        DataFusionError::External(Box::new(error))
    }

    impl From<DataFusionError> for SqlError {
        fn from(error: DataFusionError) -> Self {
            match error {
                DataFusionError::External(inner) => match inner.downcast::<HistoryError>() {
                    Ok(history) => Self::History(*history),
                    Err(other) => Self::failed(other.to_string()),
                },
                DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                    Self::from(*inner)
                }
                DataFusionError::ArrowError(inner, _) => match *inner {
                    ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
                        Ok(inner) => Self::from(*inner),
                        Err(other) => Self::failed(other.to_string()),
                    },
                    ArrowError::IoError(_, error) => Self::History(error.into()),
                    other => Self::failed(format!("the question cannot be answered: {other}")),
                },
                DataFusionError::IoError(error) => Self::History(error.into()),
                other => told(&other),
            }
        }
    }

    fn told(error: &DataFusionError) -> SqlError {
        match error.find_root() {
            DataFusionError::External(inner) => match inner.downcast_ref::<HistoryError>() {
                // Several who wait for the same rows share one error.
                Some(history) => SqlError::failed(history.to_string()),
                None => SqlError::failed(inner.to_string()),
            },
            DataFusionError::SQL(parser, _) => SqlError::question(format!("this is no SQL: {parser}")),
            DataFusionError::SchemaError(problem, _) => SqlError::question(problem.to_string()),
            DataFusionError::Plan(problem) => SqlError::question(planned(problem)),
            DataFusionError::NotImplemented(problem) => {
                SqlError::question(format!("this kind of question is not answered: {problem}"))
            }
            DataFusionError::ResourcesExhausted(problem) => SqlError::failed(format!(
                "the answer needs more memory than --memory allows: {problem}; give it more, or ask for less at once"
            )),
            other => {
                SqlError::failed(format!("the question cannot be answered: {}", other.strip_backtrace()))
            }
        }
    }

    /// Tables have names of three parts inside, of which people write one or two.
    fn planned(problem: &str) -> String {
        let short = problem.replace("guichet.desk.", "").replace("guichet.reports.", "reports.");
        if short.starts_with("table '") && short.contains("not found") {
            return format!("{short}; `show tables` lists those that there are");
        }
        short
    }

    impl From<io::Error> for SqlError {
        fn from(error: io::Error) -> Self {
            Self::History(error.into())
        }
    }
}

#[cfg(feature = "datafusion")]
pub(crate) use of_datafusion::outside;
