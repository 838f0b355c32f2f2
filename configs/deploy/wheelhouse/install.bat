@echo off
rem Installs luyu from the wheels beside this file; no network is asked.   install.bat [FOLDER]
setlocal
chcp 65001 >nul
set "folder=%~1"
if "%folder%"=="" set "folder=%USERPROFILE%\luyu"
py -@PYTHON@ -c "pass" 2>nul
if errorlevel 1 (
  echo these wheels are for 64-bit Python @PYTHON@; install it from python.org with the launcher py 1>&2
  exit /b 2
)
py -@PYTHON@ -m venv "%folder%" || exit /b 1
"%folder%\Scripts\python.exe" -m pip --isolated --disable-pip-version-check install --quiet --no-index --find-links "%~dp0wheels" --require-hashes --requirement "%~dp0requirements.txt" || exit /b 1
"%folder%\Scripts\luyu.exe" --help >nul || exit /b 1
echo installed: "%folder%\Scripts\luyu.exe"
