"""The public Python API: open a data repo, then check, plan, compile, test and export it.

project = Project.open(Path("."))
project.compile(Options())
project.test(Options()).verdict
"""

from prodabuild.project.outcome import (
    CheckReport,
    CompileReport,
    ExportReport,
    ExportRequest,
    Options,
    TestReport,
    TestRequest,
    VerifyReport,
)
from prodabuild.project.project import Project

__all__ = [
    "CheckReport",
    "CompileReport",
    "ExportReport",
    "ExportRequest",
    "Options",
    "Project",
    "TestReport",
    "TestRequest",
    "VerifyReport",
]
